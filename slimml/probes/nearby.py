"""Files that a probes file names: beneath its own directory and nowhere else, for it may be a stranger's checkout."""

from __future__ import annotations

import os
from pathlib import Path

from slimml.engine.container import OUTPUT_BYTES, Mount
from slimml.errors import InvalidImage, NotFound, UsageError
from slimml.oci import beneath


class Nearby:
    """The directory of a probes file. Paths are relative to it; raises UsageError for those that lead out."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def read(self, relative: str, where: str) -> bytes:
        """The content of a regular file, never through a link; raises UsageError, AccessDenied."""
        path = _plain(relative, where)
        try:
            with beneath.directory(str(self.directory)) as root:
                descriptor = beneath.open_file(root, path, f"{where}: {relative}")
        except (NotFound, InvalidImage) as error:
            raise UsageError(f"{error}; files are taken from below {self.directory}") from None
        with os.fdopen(descriptor, "rb") as file:
            found = file.read(OUTPUT_BYTES + 1)
        if len(found) > OUTPUT_BYTES:
            raise UsageError(f"{where}: {relative} is larger than {OUTPUT_BYTES >> 20} MiB; mount it instead")
        return found

    def mount(self, relative: str, target: str, where: str) -> Mount:
        """A file or directory, read-only, at the absolute path `target`; raises UsageError."""
        if not target.startswith("/"):
            raise UsageError(f"{where}: {target!r} should be an absolute path inside the container")
        root = self.directory.resolve()
        source = (root / _plain(relative, where)).resolve()
        if not source.is_relative_to(root):
            raise UsageError(f"{where}: {relative} leads out of {self.directory}; mounts come from below it")
        if not source.exists():
            raise UsageError(f"{where}: {relative} does not exist; it is taken from below {self.directory}")
        return Mount(source, target)


def _plain(relative: str, where: str) -> str:
    path = Path(relative)
    if not relative or "\0" in relative or path.is_absolute() or ".." in path.parts:
        raise UsageError(f"{where}: {relative!r} should be a path below the file's own directory")
    return path.as_posix()
