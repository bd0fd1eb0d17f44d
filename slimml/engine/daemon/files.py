"""Files out of a container: the engine's tar of a path, read in bounded memory."""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from slimml.engine.container import OUTPUT_BYTES, FileStatus
from slimml.errors import Refused
from slimml.oci.tar.events import Entry, Kind, TarVisitor
from slimml.oci.tar.reader import TarReader

if TYPE_CHECKING:
    from slimml.engine.daemon.calls import ContainerCalls

_PIECE = 1 << 16
_FORMS = {
    Kind.FILE: stat.S_IFREG,
    Kind.DIRECTORY: stat.S_IFDIR,
    Kind.SYMLINK: stat.S_IFLNK,
    Kind.CHARACTER: stat.S_IFCHR,
    Kind.BLOCK: stat.S_IFBLK,
    Kind.FIFO: stat.S_IFIFO,
}


def files_at(calls: ContainerCalls, container: str, path: str) -> dict[str, bytes]:
    """The file at `path`, or the regular files below that directory, by absolute path beneath `path`.

    A link at `path` itself is followed within the container, hard links are files, symbolic links below are left out.
    Raises Refused past OUTPUT_BYTES, InvalidImage.
    """
    collected = _Collected(path)
    if not _read(calls, container, path, collected, lambda: False):
        return {}
    # Files are named beneath the directory's own name, at the root beneath nothing.
    prefix = "/" if path.strip("/") == "" else path.rstrip("/")
    return {_named(prefix, name): bytes(content) for name, content in collected.files.items()}


def status_at(calls: ContainerCalls, container: str, path: str) -> FileStatus | None:
    """What is at `path`, a link at `path` itself followed within the container; None where nothing is."""
    first = _First()
    if not _read(calls, container, path, first, lambda: first.entry is not None) or first.entry is None:
        return None
    entry = first.entry
    return FileStatus(_FORMS.get(entry.kind, 0) | entry.mode, entry.uid, entry.gid, entry.size)


def _read(calls: ContainerCalls, container: str, path: str, visitor: TarVisitor, enough: Callable[[], bool]) -> bool:
    """Read the tar of what is at `path` until `enough`; False where there is nothing."""
    found = calls.archive(container, path)
    if found is None:
        return False
    reply, told = found
    target = str(told.get("linkTarget") or path)
    if _is_link(told) and target != path:
        reply.close()
        found = calls.archive(container, target)
        if found is None:
            return False
        reply, told = found
    with reply:
        reader = TarReader(visitor, f"the archive of {path[:200]!r}", calls.http.limits)
        while piece := reply.read(_PIECE):
            reader.feed(piece)
            if enough():
                return True
        reader.finish()
    return True


def _is_link(told: dict[str, object]) -> bool:
    """Whether Go's os.FileMode in the answer has the bit of a symbolic link."""
    mode = told.get("mode")
    return isinstance(mode, int) and bool(mode & 1 << 27)


def _named(prefix: str, name: str) -> str:
    if prefix == "/":
        return f"/{name}"
    _, slash, below = name.partition("/")
    return f"{prefix}/{below}" if slash else prefix


class _First:
    """A visitor that keeps the first entry."""

    def __init__(self) -> None:
        self.entry: Entry | None = None

    def other(self, entry: Entry) -> None:
        self.entry = self.entry or entry

    def whole(self, entry: Entry, content: memoryview) -> None:
        self.entry = self.entry or entry

    begin = other

    def data(self, piece: memoryview) -> None: ...

    def end(self) -> None: ...

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None: ...

    def finish(self, tar_bytes: int) -> None: ...


class _Collected:
    """A visitor that keeps the contents of regular files."""

    def __init__(self, path: str) -> None:
        self.files: dict[str, bytearray] = {}
        self._path = path
        self._bytes = 0
        self._current = bytearray()

    def other(self, entry: Entry) -> None:
        if entry.kind is Kind.HARDLINK and (content := self.files.get(entry.link)) is not None:
            self._count(len(content))
            self.files[entry.path] = content

    def whole(self, entry: Entry, content: memoryview) -> None:
        self.begin(entry)
        self.data(content)

    def begin(self, entry: Entry) -> None:
        self._count(entry.size)
        self._current = self.files[entry.path] = bytearray()

    def data(self, piece: memoryview) -> None:
        self._current += piece

    def end(self) -> None: ...

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None: ...

    def finish(self, tar_bytes: int) -> None: ...

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > OUTPUT_BYTES:
            raise Refused(
                f"the files at {self._path[:200]!r} have more than {OUTPUT_BYTES >> 20} MiB; name fewer of them"
            )
