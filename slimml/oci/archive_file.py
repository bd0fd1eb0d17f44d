"""A tar archive that holds an image: its members listed by their headers alone, read in place.

Nothing is extracted. A link leads to another member of the archive, or nowhere.
"""

import os
import posixpath
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, NoReturn, Self

from slimml.errors import InvalidImage, LimitExceeded, NotFound, Unsupported
from slimml.oci.beneath import told
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.header import BLOCK, ZERO_BLOCK, padding
from slimml.oci.tar.reader import TarReader
from slimml.oci.window import Window

_END_BLOCKS = 2
_LINKS = 8
"""links that lead to links before we stop following"""
_MEMBERS = 100_000
"""more members than any image archive has"""
_DECOMPRESSED_BY = {
    b"\x1f\x8b": "gunzip",
    b"\x28\xb5\x2f\xfd": "unzstd",
    b"\xfd7zXZ\0": "unxz",
    b"BZh": "bunzip2",
}


@dataclass(frozen=True)
class _Member:
    """`link` is the path in the archive that a link leads to, None for a file, whose stretch the rest is (bytes)."""

    link: str | None
    start: int
    size: int


class ArchiveFile:
    """An open archive; closed with the last reference to it. `path` is the user's word, its links are followed.

    Raises NotFound, AccessDenied, Unsupported (compressed as a whole), InvalidImage, LimitExceeded.
    """

    def __init__(self, path: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self.path = path
        self._limits = limits
        self._descriptor = _open(path)
        head = os.pread(self._descriptor, 8, 0)
        for magic, command in _DECOMPRESSED_BY.items():
            if head.startswith(magic):
                raise Unsupported(f"{path} is compressed as a whole; decompress it first: {command} {path}")
        self._members = _list_members(self._descriptor, path, limits)

    @property
    def names(self) -> frozenset[str]:
        """The paths of all files and links."""
        return frozenset(self._members)

    def open(self, name: str, offset: int = 0) -> Window:
        """The file at `name` from byte `offset` on, links in the archive followed; raises NotFound, InvalidImage."""
        member = self._find(name)
        return Window(os.dup(self._descriptor), member.start + offset, max(0, member.size - offset))

    def size_of(self, name: str) -> int:
        """Bytes of the file at `name`; raises NotFound, InvalidImage."""
        return self._find(name).size

    def resolved(self, name: str) -> int:
        """Where in the archive the content of `name` begins: the same for two names of one file."""
        return self._find(name).start

    def read_document(self, name: str) -> bytes:
        """A JSON file as a whole; raises NotFound, InvalidImage, LimitExceeded past `json_bytes`."""
        with self.open(name) as window:
            if self.size_of(name) > self._limits.json_bytes:
                raise LimitExceeded(f"{name} of {self.path} has {self.size_of(name)} bytes of JSON", "json_bytes")
            return window.read()

    def _find(self, name: str) -> _Member:
        at = posixpath.normpath(name)
        for _ in range(_LINKS):
            member = self._members.get(at)
            if member is None:
                raise NotFound(f"{self.path} has no member {name[:200]!r}: the archive is incomplete")
            if member.link is None:
                return member
            at = member.link
        raise InvalidImage(f"{self.path}: {name[:200]!r} is a link that leads to links {_LINKS} times over")

    def close(self) -> None:
        """Close the file; windows that are open stay readable."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            self.close()


def _open(path: str) -> int:
    try:
        found = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise told(error, path) from None
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise Unsupported(f"{path} is no regular file; an image archive is read in place, so save it to a file first")
    return found


def _list_members(descriptor: int, path: str, limits: Limits) -> dict[str, _Member]:
    listing = _Listing(path)
    reader = TarReader(listing, path, limits)
    end = os.fstat(descriptor).st_size
    position = zero_blocks = 0
    while position < end and zero_blocks < _END_BLOCKS:
        # Block by block, so that no content is fed: then it can be skipped.
        block = os.pread(descriptor, BLOCK, position)
        zero_blocks = zero_blocks + 1 if block == ZERO_BLOCK else 0
        reader.feed(block)
        position += len(block)
        announced = reader.announced
        if announced is not None:
            reader.skip(announced.stored, 0, _not_opened)
            reader.feed(bytes(padding(announced.stored)))
            position += announced.stored + padding(announced.stored)
            if announced.data_offset + announced.stored > end:
                raise InvalidImage(f"{path} is cut off inside {announced.path[:200]!r}")
    reader.finish()
    return listing.members


def _not_opened() -> NoReturn:
    raise AssertionError("members are read through ArchiveFile.open")


class _Listing:
    """Gathers files and links; everything else in the archive is of no use."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.members: dict[str, _Member] = {}

    def other(self, entry: Entry) -> None:
        if entry.kind is Kind.HARDLINK:
            self._add(entry, _Member(entry.link, 0, 0))
        elif entry.kind is Kind.SYMLINK:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.link))
            self._add(entry, _Member(target, 0, 0))

    def _add(self, entry: Entry, member: _Member) -> None:
        self.members[entry.path] = member
        if len(self.members) > _MEMBERS:
            raise InvalidImage(f"{self.path} has more than {_MEMBERS} members, which no image archive has")

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        del crc64, opener
        self._add_file(entry)

    def whole(self, entry: Entry, content: memoryview) -> None:
        del content
        self._add_file(entry)

    def _add_file(self, entry: Entry) -> None:
        if entry.size != entry.stored:
            raise Unsupported(f"{self.path}: {entry.path[:200]!r} is a sparse file; write the archive without --sparse")
        self._add(entry, _Member(None, entry.data_offset, entry.stored))

    def begin(self, entry: Entry) -> None:
        raise AssertionError(entry)

    def data(self, piece: memoryview) -> None:
        raise AssertionError(piece)

    def end(self) -> None:
        raise AssertionError

    def finish(self, tar_bytes: int) -> None:
        del tar_bytes
