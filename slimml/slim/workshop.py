"""A directory for blobs in the making, gone when the work is done; what a killed run left is swept by the next."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slimml.errors import AccessDenied
from slimml.oci.beneath import directory
from slimml.oci.beside import BesideDirectory, sweep
from slimml.oci.blobs import BlobStore


@contextmanager
def work_store() -> Iterator[BlobStore]:
    """A store in SLIMML_WORK_DIR, else in a directory of this user's in TMPDIR; new layers lie there until written.

    Raises AccessDenied where the directory cannot be made, or is somebody else's.
    """
    place = _place()
    with directory(str(place)) as root:
        sweep(root)
        with BesideDirectory(root, str(place)) as work:
            yield BlobStore(place / work.name)


def _place() -> Path:
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
