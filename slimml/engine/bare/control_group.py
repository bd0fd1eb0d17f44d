"""What a container's control group counted (Linux cgroup-v1/memory.rst and cgroup-v2.rst)."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slimml.engine.leftovers import abandoned

_MOUNTS = Path("/sys/fs/cgroup")
PERIOD = 100_000
"""microseconds over which processors are shared out, as Docker sets it"""


@dataclass(frozen=True)
class ControlGroup:
    """Where a group's memory is counted; `unified` for version 2."""

    directory: Path
    unified: bool

    def peak_memory(self) -> int | None:
        """The most bytes it held; None where the kernel does not say (version 2 before Linux 5.19)."""
        name = "memory.peak" if self.unified else "memory.max_usage_in_bytes"
        with suppress(OSError, ValueError):
            return int((self.directory / name).read_text())
        return None

    def ran_out(self) -> bool:
        """Whether the kernel killed a process of it for want of memory."""
        name = "memory.events" if self.unified else "memory.oom_control"
        with suppress(OSError, ValueError):
            for line in (self.directory / name).read_text().splitlines():
                key, _, count = line.partition(" ")
                if key == "oom_kill":
                    return int(count) > 0
        return False


def group_named(name: str) -> ControlGroup:
    """The group that a runtime makes for the cgroupsPath `/name`."""
    if (_MOUNTS / "cgroup.controllers").exists():
        return ControlGroup(_MOUNTS / name, unified=True)
    return ControlGroup(_MOUNTS / "memory" / name, unified=False)


def groups_writable() -> bool:
    """Whether this process may make groups: it is root, and they are mounted writable."""
    if os.geteuid() != 0:
        return False
    return os.access(group_named("").directory, os.W_OK) and not _read_only(group_named("").directory)


def _read_only(directory: Path) -> bool:
    return bool(os.statvfs(directory).f_flag & os.ST_RDONLY)


def remove_groups() -> None:
    """Remove the groups of dead runs, of all controllers; those that still hold a process stay."""
    for found in (*_MOUNTS.glob("slimml-*"), *_MOUNTS.glob("*/slimml-*")):
        if abandoned([found.name]):
            with suppress(OSError):
                found.rmdir()


def make_group(name: str, *, memory: int | None, cpus: float | None) -> tuple[Path, ...]:
    """Make the group `name` with limits in bytes and processors; the files that a process joins it by.

    Raises OSError where groups are not writable.
    """
    group = group_named(name)
    if group.unified:
        controllers = group.directory.parent / "cgroup.subtree_control"
        controllers.write_text("+memory +cpu")
        limits: dict[str, object] = {"memory.max": memory, "cpu.max": cpus and f"{round(cpus * PERIOD)} {PERIOD}"}
        places = {group.directory: limits}
    else:
        cpu = _MOUNTS / "cpu" / name
        places = {
            group.directory: {"memory.limit_in_bytes": memory},
            cpu: {"cpu.cfs_quota_us": cpus and round(cpus * PERIOD), "cpu.cfs_period_us": PERIOD},
        }
    for directory, settings in places.items():
        directory.mkdir()
        for file, value in settings.items():
            if value is not None:
                (directory / file).write_text(str(value))
    return tuple(directory / "cgroup.procs" for directory in places)


def remove_group(name: str) -> None:
    """Remove the empty group `name`, of all controllers."""
    for found in (_MOUNTS / name, *_MOUNTS.glob(f"*/{name}")):
        with suppress(OSError):
            found.rmdir()
