"""A directory for blobs in the making, gone when the work is done; what a killed run left is swept by the next."""

from collections.abc import Iterator
from contextlib import contextmanager

from slimml.oci.beneath import directory
from slimml.oci.beside import BesideDirectory, sweep
from slimml.oci.blobs import BlobStore
from slimml.oci.work_place import work_place


@contextmanager
def work_store() -> Iterator[BlobStore]:
    """A store in SLIMML_WORK_DIR, else in a directory of this user's in TMPDIR; new layers lie there until written.

    Raises AccessDenied where the directory cannot be made, or is somebody else's.
    """
    place = work_place()
    with directory(str(place)) as root:
        sweep(root)
        with BesideDirectory(root, str(place)) as work:
            yield BlobStore(place / work.name)
