"""What a tar stream says: entries, and the visitor that is told of them."""

from collections.abc import Callable
from enum import IntEnum
from typing import IO, NamedTuple, Protocol


class Kind(IntEnum):
    """What a tar entry is. A hard link is an entry of its own with no content; OTHER is kept and never touched."""

    FILE = 0
    DIRECTORY = 1
    SYMLINK = 2
    HARDLINK = 3
    CHARACTER = 4
    BLOCK = 5
    FIFO = 6
    WHITEOUT = 7
    """`.wh.NAME`: hides NAME of lower layers; the entry's path is that of the hidden NAME"""
    OPAQUE = 8
    """`.wh..wh..opq`: hides all lower content of a directory; the entry's path is that of the directory"""
    OTHER = 9


class Entry(NamedTuple):
    """One entry as the tar tells it.

    `path` and `link` are relative to the root, without leading `/` or `./` and trailing `/`; the root is "". Bytes that
    are not UTF-8 are surrogate escapes. A hard link's `link` is a path of the image, a symlink's is its text as is.
    `size` is the content's length in bytes as a program reads it (a sparse file's real size), `stored` what the tar
    holds of it. `offset` is where the first header of the entry (PAX and long names included) begins in the tar;
    `data_offset` where its content begins. `mtime` is whole seconds.
    """

    path: str
    kind: Kind
    size: int
    mode: int
    uid: int
    gid: int
    mtime: int
    link: str
    offset: int
    data_offset: int
    stored: int
    device: tuple[int, int] = (0, 0)
    pax: dict[str, bytes] | None = None


class TarVisitor(Protocol):
    """Told of a tar's entries in order. For a FILE, exactly one of `whole`, (`begin`, `data`…, `end`), `elsewhere`.

    Memory views are valid during the call only. A sparse file's data are what the tar stores.
    """

    def other(self, entry: Entry) -> None:
        """An entry without content (every kind but FILE)."""

    def whole(self, entry: Entry, content: memoryview) -> None:
        """A file, all of whose content lies in one buffer (also the empty file)."""

    def begin(self, entry: Entry) -> None:
        """A file whose content follows in pieces."""

    def data(self, piece: memoryview) -> None:
        """The next piece of the begun file."""

    def end(self) -> None:
        """The begun file is complete."""

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        """A file whose content was not read: `crc64` is the engine's checksum of it, `opener` opens it."""

    def finish(self, tar_bytes: int) -> None:
        """The tar ended (the end-of-archive blocks and padding included in `tar_bytes`)."""
