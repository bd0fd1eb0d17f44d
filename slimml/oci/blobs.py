"""A directory of blobs by digest, as in the image layout (image-spec image-layout.md, section Blobs)."""

import hashlib
import os
from typing import Self

from slimml.errors import InvalidImage, NotFound
from slimml.oci.beneath import directory, open_file, subdirectory, told
from slimml.oci.beside import BesideFile, sweep
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest, algorithm_of, hex_of
from slimml.oci.image import Stream
from slimml.oci.verify import verified
from slimml.oci.window import Window

_CHUNK = 1 << 20


class BlobStore:
    """Blobs at `DIRECTORY/ALGORITHM/HEX`; the directory is made at the first write. Safe to share between processes."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Window:
        """The blob from byte `offset` on, not verified.

        Raises NotFound, AccessDenied, and InvalidImage for a link, a special file, or one of another size.
        """
        digest = descriptor.digest
        what = f"blob {digest} of {self.path}"
        try:
            with directory(self.path) as root:
                found = open_file(root, f"{algorithm_of(digest)}/{hex_of(digest)}", what)
        except NotFound:
            where = f"; it can be had from {descriptor.urls[0][:200]}" if descriptor.urls else ""
            raise NotFound(f"{what} is missing: the image is incomplete{where}") from None
        size = os.fstat(found).st_size
        if descriptor.size not in (UNKNOWN_SIZE, size):
            os.close(found)
            raise InvalidImage(f"{what} has {size} bytes, its descriptor says {descriptor.size}")
        return Window(found, offset, max(0, size - offset))

    def has(self, descriptor: Descriptor) -> bool:
        """Whether a file of the right size is there under the blob's name; its content is not read."""
        try:
            self.open_blob(descriptor).close()
        except (NotFound, InvalidImage):
            return False
        return True

    def writer(self) -> "BlobWriter":
        """A new blob, hashed with SHA-256 while it is written; use it as a context manager."""
        return BlobWriter(self.path, "sha256")

    def put(self, descriptor: Descriptor, stream: Stream) -> None:
        """Store the blob that `stream` gives, verified; what is there under its name already is replaced.

        Raises InvalidImage (nothing is stored then), AccessDenied, SlimmlError.
        """
        with verified(stream, descriptor) as source, BlobWriter(self.path, algorithm_of(descriptor.digest)) as sink:
            while piece := source.read(_CHUNK):
                sink.write(piece)
            sink.commit(descriptor.media_type)

    def put_bytes(self, media_type: str, data: bytes) -> Descriptor:
        """Store a small blob that is in memory."""
        with self.writer() as sink:
            sink.write(data)
            return sink.commit(media_type)

    def sweep(self) -> None:
        """Remove what killed writers left behind."""
        if os.path.isdir(self.path):
            with directory(self.path) as root:
                sweep(root)


class BlobWriter:
    """A blob being written; it gets its name at `commit`, and vanishes when the context is left without one."""

    def __init__(self, path: str, algorithm: str) -> None:
        self._path = path
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self.size = 0
        """bytes written so far"""
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as error:
            raise told(error, path) from None
        self._directory = directory(path)
        self._root = self._directory.__enter__()
        try:
            self._file = BesideFile(self._root, f"a new blob in {path}")
        except BaseException:
            self._directory.__exit__(None, None, None)
            raise

    def write(self, data: bytes | memoryview) -> None:
        """Append all of `data`; raises SlimmlError (disk full) and AccessDenied."""
        self._hash.update(data)
        self._file.write(data)
        self.size += memoryview(data).nbytes

    @property
    def digest(self) -> Digest:
        """The digest of what was written so far."""
        return Digest(f"{self._algorithm}:{self._hash.hexdigest()}")

    def commit(self, media_type: str) -> Descriptor:
        """Sync the blob and give it its name. One that has the name already is replaced: it may be damaged."""
        found = Descriptor(media_type, self.digest, self.size)
        with subdirectory(self._root, self._algorithm, f"{self._path}/{self._algorithm}", make=True) as target:
            self._file.publish(hex_of(found.digest), target)
        os.fsync(self._root)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.__exit__(*exc)
        self._directory.__exit__(None, None, None)
