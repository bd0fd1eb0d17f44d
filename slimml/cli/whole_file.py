"""A file that a command writes: whole or not at all, with the permissions of the one that it replaces."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from slimml.errors import AccessDenied


def write_whole(path: Path, data: bytes) -> None:
    """Write beside, sync, rename. Raises AccessDenied."""
    place = path.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=".slimml-", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, place.stat().st_mode & 0o777 if place.exists() else 0o644)
            os.replace(name, place)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise AccessDenied(f"{path} cannot be written: {error.strerror}") from None
