"""Where slimml keeps what it works on: SLIMML_WORK_DIR, else a directory of this user's in TMPDIR."""

import os
import tempfile
from pathlib import Path

from slimml.errors import AccessDenied


def work_place() -> Path:
    """The directory, made when missing; raises AccessDenied where it cannot be made, or is somebody else's."""
    named = os.environ.get("SLIMML_WORK_DIR")
    place = Path(named) if named else Path(tempfile.gettempdir()) / f"slimml-{os.getuid()}"
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        state = place.lstat()
    except OSError as error:
        raise AccessDenied(f"{place}: {error.strerror}; name another directory in SLIMML_WORK_DIR") from None
    # In a directory that all may write to, another user may have made ours first.
    if not named and (state.st_uid != os.getuid() or not place.is_dir() or place.is_symlink()):
        raise AccessDenied(f"{place} is not ours; name another directory in SLIMML_WORK_DIR")
    return place
