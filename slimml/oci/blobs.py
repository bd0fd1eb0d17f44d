"""A directory of blobs by digest, as in the image layout (image-spec image-layout.md, section Blobs)."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
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


def _ignore(amount: int) -> None:
    del amount


class BlobStore:
    """Blobs at `PATH/ALGORITHM/HEX`; what is missing of it is made at the first write.

    With `within`, at `PATH/within/ALGORITHM/HEX`: then PATH is the user's word, and nothing beneath it may be a link.
    Processes may share a store. Blobs in the making lie in PATH itself, under names that `beside` knows.
    """

    def __init__(self, path: str | os.PathLike[str], within: str = "") -> None:
        self.path = os.path.abspath(path)
        self.within = within

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Window:
        """The blob from byte `offset` on, not verified.

        Raises NotFound, AccessDenied, and InvalidImage for a link, a special file, or one of another size.
        """
        digest = descriptor.digest
        what = f"blob {digest} of {self.path}"
        try:
            with directory(self.path) as root:
                found = open_file(root, os.path.join(self.within, algorithm_of(digest), hex_of(digest)), what)
        except NotFound:
            where = f"; it can be had from {descriptor.urls[0][:200]!r}" if descriptor.urls else ""
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

    def writer(self, algorithm: str = "sha256") -> "BlobWriter":
        """A new blob, hashed while it is written; use it as a context manager."""
        return BlobWriter(self, algorithm)

    def put(self, descriptor: Descriptor, stream: Stream) -> Descriptor:
        """Store the blob that `stream` gives, verified; what is there under its name already is replaced.

        Gives the descriptor with the size that was found. Raises InvalidImage (nothing is stored then), AccessDenied,
        SlimmlError.
        """
        return self.keep(descriptor, verified(stream, descriptor))

    def keep(self, descriptor: Descriptor, stream: Stream, advance: Callable[[int], None] = _ignore) -> Descriptor:
        """`put` for a stream that verifies itself; `advance` is told of bytes."""
        size = 0
        with stream, self.new_file() as (root, file):
            while piece := stream.read(_CHUNK):
                file.write(piece)
                size += len(piece)
                advance(len(piece))
            self.publish(root, file, descriptor.digest)
        return replace(descriptor, size=size)

    def put_bytes(self, descriptor: Descriptor, data: bytes) -> None:
        """`put` for a small blob that is in memory."""
        with self.writer(algorithm_of(descriptor.digest)) as sink:
            sink.write(data)
            if (sink.digest, sink.size) != (descriptor.digest, descriptor.size):
                raise InvalidImage(
                    f"blob {descriptor.digest} of {descriptor.size} bytes has {sink.size}, with digest {sink.digest}"
                )
            sink.commit(descriptor.media_type)

    def can_link(self, source: Window) -> bool:
        """Whether `link` may work: on one file system, our own file, which nobody else may write to."""
        state = os.fstat(source.fileno())
        mode = stat.S_IMODE(state.st_mode)
        try:
            here = os.stat(self.path).st_dev
        except OSError:
            return False
        return state.st_dev == here and state.st_uid == os.geteuid() and not mode & 0o022 and mode & 0o444 == 0o444

    def link(self, descriptor: Descriptor, source: Window) -> bool:
        """Give a verified blob of another store its name here as well, instead of copying it; False: copy it."""
        inode = f"/proc/self/fd/{source.fileno()}"
        with directory(self.path) as root, self.shelf(root, algorithm_of(descriptor.digest)) as target:
            try:
                os.fsync(source.fileno())
                os.link(inode, hex_of(descriptor.digest), dst_dir_fd=target, follow_symlinks=True)
                os.fsync(target)
            except OSError:
                return False
        return True

    @contextmanager
    def new_file(self) -> Iterator[tuple[int, BesideFile]]:
        """A nameless file in PATH, which is made where it is missing, and a descriptor of PATH."""
        self.make()
        with directory(self.path) as root, BesideFile(root, f"a new blob in {self.path}") as file:
            yield root, file

    def make(self) -> None:
        """Make the directory PATH where it is missing; raises AccessDenied."""
        try:
            os.makedirs(self.path, exist_ok=True)
        except OSError as error:
            raise told(error, self.path) from None

    def publish(self, root: int, file: BesideFile, digest: Digest) -> None:
        """Give a new file beneath PATH (behind `root`) the name of `digest`."""
        with self.shelf(root, algorithm_of(digest)) as target:
            file.publish(hex_of(digest), target)

    @contextmanager
    def shelf(self, root: int, algorithm: str) -> Iterator[int]:
        """The directory that holds the blobs of one algorithm, made when missing; `root` is the descriptor of PATH."""
        what = os.path.join(self.path, self.within, algorithm)
        with ExitStack() as opened:
            inner = root
            for name in filter(None, (self.within, algorithm)):
                outer, inner = inner, opened.enter_context(subdirectory(inner, name, what, make=True))
                os.fsync(outer)
            yield inner

    def sweep(self) -> None:
        """Remove what killed writers left behind."""
        if os.path.isdir(self.path):
            with directory(self.path) as root:
                sweep(root)


class BlobWriter:
    """A blob being written; it gets its name at `commit`, and vanishes when the context is left without one."""

    def __init__(self, store: BlobStore, algorithm: str) -> None:
        self._store = store
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self.size = 0
        """bytes written so far"""
        self._opened = store.new_file()
        self._root, self._file = self._opened.__enter__()

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
        self._store.publish(self._root, self._file, found.digest)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._opened.__exit__(None, None, None)
