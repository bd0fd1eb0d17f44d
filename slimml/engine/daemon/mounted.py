"""The status of a container's file from its mounted root: Podman's archives name its own user as every file's owner."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.engine.bare.root import Root
from slimml.engine.container import FileStatus
from slimml.errors import InvalidImage

if TYPE_CHECKING:
    from slimml.engine.daemon.calls import ContainerCalls


def mounted_status(calls: ContainerCalls, container: str, path: str) -> FileStatus | None:
    """What is at `path`, links followed within the container's root; None where nothing is. For root, on its host."""
    nothing = suppress(FileNotFoundError, NotADirectoryError, InvalidImage)
    with calls.mounted(container) as directory, Root(Path(directory)) as root, nothing:
        state = root.status(path)
        return FileStatus(state.st_mode, state.st_uid, state.st_gid, state.st_size)
    return None
