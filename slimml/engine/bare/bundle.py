"""A container's config.json (runtime-spec 1.0), with the same rights, devices and mounts that Docker gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slimml.engine.bare.control_group import PERIOD
from slimml.engine.bare.process import HOSTNAME, Process

if TYPE_CHECKING:
    from slimml.engine.container import Mount, Resources

Document = dict[str, Any]
_CAPABILITIES = [
    f"CAP_{name}"
    for name in (
        *("CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP"),
        *("NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"),
    )
]
"""moby, oci/caps/defaults.go"""
_MASKED = [
    "/proc/asound",
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
]
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


@dataclass(frozen=True)
class Additions:
    """What devices of the host add (container-device-interface, containerEdits), as runtime-spec writes it."""

    environment: dict[str, str] = field(default_factory=dict)
    devices: tuple[Document, ...] = ()
    mounts: tuple[Document, ...] = ()
    hooks: dict[str, list[Document]] = field(default_factory=dict)
    groups: tuple[int, ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """How the machine lets containers run. `one_user` says that a user namespace knows its root only.

    `cgroup` is the name of the control group to make, None where none may be made; `unified` says that they are of
    version 2. `network` False shares ours.
    `root_path` is the root as the runtime finds it.
    """

    root_path: str
    cgroup: str | None
    rootless: bool
    one_user: bool
    network: bool
    unified: bool


def config_json(
    process: Process,
    surroundings: Surroundings,
    *,
    mounts: Sequence[Mount] = (),
    etc: dict[str, str],
    resources: Resources,
    additions: Additions,
) -> Document:
    """The document. `etc` are files of ours to be seen under names inside, {target: source}."""
    namespaces = ["pid", "ipc", "uts", "mount", *(["network"] if surroundings.network else [])]
    if surroundings.cgroup is not None and surroundings.unified:
        namespaces.append("cgroup")
    linux: Document = {
        "namespaces": [{"type": kind} for kind in namespaces],
        "maskedPaths": _MASKED,
        "readonlyPaths": _READ_ONLY,
        "resources": _limits(resources, additions),
        "devices": list(additions.devices),
    }
    if surroundings.network:
        # As Docker: a service that is not root may listen on port 80.
        linux["sysctl"] = {"net.ipv4.ip_unprivileged_port_start": "0"}
    if surroundings.cgroup is not None:
        linux["cgroupsPath"] = surroundings.cgroup
    return {
        "ociVersion": "1.0.2",
        "root": {"path": surroundings.root_path, "readonly": False},
        "hostname": HOSTNAME,
        "process": process_json(process, surroundings, additions),
        "mounts": [
            *_file_systems(surroundings),
            *(_bind(source, target, writable=True) for target, source in etc.items()),
            *(_bind(str(mount.source), mount.target, writable=mount.writable) for mount in mounts),
            *additions.mounts,
        ],
        "hooks": additions.hooks,
        "linux": linux,
    }


def process_json(process: Process, surroundings: Surroundings, additions: Additions) -> Document:
    """The `process` of the document, which `exec` takes, too."""
    account = process.account
    # A user namespace of one user has nobody else to become.
    user: Document = {"uid": 0, "gid": 0}
    if not surroundings.one_user:
        # The group itself as well, or a file could be closed to it in vain (CVE-2022-36109).
        groups = sorted({account.group, *account.groups, *additions.groups})
        user = {"uid": account.user, "gid": account.group, "additionalGids": groups}
    privileged = user["uid"] == 0
    environment = {**additions.environment, **process.environment}
    return {
        "terminal": False,
        "user": user,
        "args": list(process.argv),
        "env": [f"{name}={value}" for name, value in environment.items()],
        "cwd": process.directory,
        "noNewPrivileges": False,
        "capabilities": {
            "bounding": _CAPABILITIES,
            "effective": _CAPABILITIES if privileged else [],
            "permitted": _CAPABILITIES if privileged else [],
        },
    }


def _limits(resources: Resources, additions: Additions) -> Document:
    devices: list[Document] = [{"allow": False, "access": "rwm"}]
    devices += [
        {"allow": True, "type": device["type"], "major": device["major"], "minor": device["minor"], "access": "rwm"}
        for device in additions.devices
    ]
    found: Document = {"devices": devices}
    if resources.memory is not None:
        found["memory"] = {"limit": resources.memory}
    if resources.cpus is not None:
        found["cpu"] = {"quota": round(resources.cpus * PERIOD), "period": PERIOD}
    return found


def _file_systems(surroundings: Surroundings) -> list[Document]:
    quiet = ["nosuid", "noexec", "nodev"]
    terminals = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    if not surroundings.one_user:
        terminals.append("gid=5")
    found = [
        _mount("proc", "/proc", "proc", quiet),
        _mount("tmpfs", "/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        _mount("devpts", "/dev/pts", "devpts", terminals),
        _mount("tmpfs", "/dev/shm", "shm", [*quiet, "mode=1777", "size=67108864"]),
        _mount("mqueue", "/dev/mqueue", "mqueue", quiet),
    ]
    if surroundings.rootless and not surroundings.network:
        # Only whoever owns the network namespace may mount a sysfs of it.
        found.append(_mount("none", "/sys", "/sys", ["rbind", "nosuid", "noexec", "nodev", "ro"]))
    else:
        found.append(_mount("sysfs", "/sys", "sysfs", [*quiet, "ro"]))
    if surroundings.cgroup is not None:
        found.append(_mount("cgroup", "/sys/fs/cgroup", "cgroup", [*quiet, "relatime", "ro"]))
    return found


def _mount(kind: str, target: str, source: str, options: list[str]) -> Document:
    return {"destination": target, "type": kind, "source": source, "options": options}


def _bind(source: str, target: str, *, writable: bool) -> Document:
    return _mount("bind", target, source, ["rbind", "rprivate", "rw" if writable else "ro"])
