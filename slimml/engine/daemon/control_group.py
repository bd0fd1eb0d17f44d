"""A container's main process as this machine sees it: its control group (cgroups(7), v1 and v2) and its beginning."""

import os
import time
from datetime import datetime
from pathlib import Path, PurePosixPath

from slimml.engine.bare.control_group import ControlGroup

_MOMENT_SECONDS = 5


def group_of(pid: int, container_id: str) -> ControlGroup | None:
    """The control group of a container whose process `pid` is; None where it has none of its own, or none is seen.

    It is gone with its last process, or soon after.
    """
    groups = _groups(pid)
    for kind in ("memory", ""):
        group = groups.get(kind)
        for root, point in _mounts(kind):
            if group is None or container_id not in str(group) or not group.is_relative_to(root):
                continue
            found = ControlGroup(point / group.relative_to(root), unified=not kind)
            if found.peak_memory() is not None:
                return found
    return None


def of_container(pid: int, container_id: str) -> bool:
    """Whether a process of this machine is in a control group that bears the container's ID."""
    return any(container_id in str(group) for group in _groups(pid).values())


def began_at(pid: int, moment: str) -> bool:
    """Whether a process of this machine began at about that moment (RFC 3339): then it is the one that is meant."""
    try:
        ticks = int(Path(f"/proc/{pid}/stat").read_text("utf-8", "surrogateescape").rpartition(")")[2].split()[19])
        meant = datetime.fromisoformat(f"{moment[:19]}+00:00").timestamp()
    except (OSError, ValueError):
        return False
    since_boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return abs(since_boot + ticks / os.sysconf("SC_CLK_TCK") - meant) < _MOMENT_SECONDS


def _groups(pid: int) -> dict[str, PurePosixPath]:
    """The control group of a process by controller; "" is that of version 2."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return {}
    told = (line.split(":", 2) for line in lines)
    return {kind: PurePosixPath(path) for _, kinds, path in told for kind in kinds.split(",")}


def _mounts(kind: str) -> list[tuple[PurePosixPath, Path]]:
    """Where a hierarchy is mounted: the part of it that is seen there, and the directory (proc_pid_mountinfo(5))."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        fields, (form, _, options) = before.split(), after.split(" ", 2)
        if form == ("cgroup" if kind else "cgroup2") and (not kind or kind in options.split(",")):
            found.append((PurePosixPath(fields[3]), Path(fields[4])))
    return found
