"""A container's root where its engine mounts it: for the status of files, and for those who watch it.

(Podman's archives name its own user as every file's owner.)
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.engine.bare.root import Root
from slimml.engine.container import FileStatus
from slimml.engine.mounted_root import MountedRoot, engine_process
from slimml.errors import InvalidImage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slimml.engine.daemon.calls import ContainerCalls
    from slimml.oci.places.daemon.api.address import Address

_SHIM_ROOTS = "/run/containerd/io.containerd.runtime.v2.task/moby"


def mounted_status(calls: ContainerCalls, container: str, path: str) -> FileStatus | None:
    """What is at `path`, links followed within the container's root; None where nothing is. For root, on its host."""
    nothing = suppress(FileNotFoundError, NotADirectoryError, InvalidImage)
    with calls.mounted(container) as directory, Root(Path(directory)) as root, nothing:
        state = root.status(path)
        return FileStatus(state.st_mode, state.st_uid, state.st_gid, state.st_size)
    return None


def mounted_root_of(address: Address, inspected: Mapping[str, Any]) -> MountedRoot | None:
    """Where an engine of this machine mounts the overlay of a container while that runs; None where it has none.

    With containerd's snapshots Docker does not tell; there it is where containerd's shim mounts roots.
    """
    pid = engine_process(address.socket_path) if address.socket_path is not None else None
    if pid is None:
        return None
    driver = inspected.get("GraphDriver") or {}
    told = (driver.get("Data") or {}).get("MergedDir")
    if isinstance(told, str) and told.startswith("/"):
        return MountedRoot(pid, told, at_start=True)
    name = str(driver.get("Name") or inspected.get("Driver") or "")
    if name.startswith("overlay") and inspected.get("Id"):
        # Podman names the layer's own directories until it is mounted.
        upper = (driver.get("Data") or {}).get("UpperDir")
        if isinstance(upper, str) and upper.endswith("/diff"):
            return MountedRoot(pid, f"{upper.removesuffix('/diff')}/merged", at_start=True)
        return MountedRoot(pid, f"{_SHIM_ROOTS}/{inspected['Id']}/rootfs", at_start=True)
    return None
