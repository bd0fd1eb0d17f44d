"""A layer's tar on disk for as long as it is encoded anew, and the list of its entries: verified, bounded, in one pass.

The list is held to what both formats and their clients can take. What none of them can say raises NotExpressible; what
only old clients get wrong is noted.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, NamedTuple

from slimml.errors import InvalidImage
from slimml.oci.blobs import BlobStore
from slimml.oci.digest import short
from slimml.oci.image import Layer
from slimml.oci.lazy.formats import READABLE_ENTRIES
from slimml.oci.lazy.header import Header, NotExpressible, read_header
from slimml.oci.limits import MIB, Limits
from slimml.oci.tar.events import Entry
from slimml.oci.tar.header import padding
from slimml.oci.tar.names import path_of
from slimml.oci.tar.reader import TarReader
from slimml.oci.tar.writer import stored_name
from slimml.oci.verified_layer import verified_tar

_SPECIAL = ("char", "block", "fifo")


class Member(NamedTuple):
    """One entry: its header blocks are `[begin, data)` of the tar, its content `[data, data + size)`.

    `path` is its name without `./`, empty components and slashes at the ends; whiteouts keep their mark.
    """

    begin: int
    data: int
    size: int
    path: str
    header: Header

    @property
    def end(self) -> int:
        """Where its content ends, padding not included."""
        return self.data + self.size


@dataclass(frozen=True)
class Spool:
    """The tar of a layer, `size` bytes, in the file behind `descriptor`. `trap`: what old clients get wrong of it."""

    descriptor: int
    size: int
    members: tuple[Member, ...]
    trap: str

    def read(self, start: int, stop: int) -> bytes:
        """Bytes `[start, stop)` of the tar; safe to call in several threads."""
        found = os.pread(self.descriptor, stop - start, start)
        while len(found) < stop - start:
            more = os.pread(self.descriptor, stop - start - len(found), start + len(found))
            if not more:
                raise InvalidImage(f"a layer's tar of {self.size} bytes ends before byte {stop}")
            found += more
        return found


@contextmanager
def spooled(layer: Layer, store: BlobStore, limits: Limits, advance: Callable[[int], None]) -> Iterator[Spool]:
    """The tar of `layer` in a nameless file of `store`; blob and diff ID are verified. `advance` is told of blob bytes.

    Raises NotExpressible as soon as the layer turns out to be so, InvalidImage, LimitExceeded, and what opening the
    layer and writing raise.
    """
    what = f"layer {short(layer.descriptor.digest)}"
    with store.new_file() as (_, file), verified_tar(layer, limits, advance) as tar:
        listing = _Listing(file.descriptor, what, limits)
        reader = TarReader(listing, what, limits)
        size = 0
        while piece := tar.read(MIB):
            file.write(piece)
            size += len(piece)
            reader.feed(piece)
        reader.finish()
        yield Spool(file.descriptor, size, tuple(listing.members), listing.trap)


class _Listing:
    """A visitor that reads each header again, from the file that it was just written to."""

    def __init__(self, descriptor: int, what: str, limits: Limits) -> None:
        self._descriptor, self._what, self._limits = descriptor, what, limits
        self._kinds: dict[str, str] = {}
        self.members: list[Member] = []
        self.trap = ""

    def other(self, entry: Entry) -> None:
        self._add(entry)

    def whole(self, entry: Entry, content: memoryview) -> None:
        del content
        self._add(entry)

    def begin(self, entry: Entry) -> None:
        self._add(entry)

    def data(self, piece: memoryview) -> None:
        pass

    def end(self) -> None:
        pass

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        raise NotImplementedError

    def finish(self, tar_bytes: int) -> None:
        pass

    def _add(self, entry: Entry) -> None:
        blocks = os.pread(self._descriptor, entry.data_offset - entry.offset, entry.offset)
        header = read_header(blocks, self._what, self._limits)
        path = clean(header.name)
        self._check(entry, header, path)
        if len(self.members) >= READABLE_ENTRIES:
            raise NotExpressible(f"it has more than {READABLE_ENTRIES} entries, too many for a table that clients read")
        self._kinds[path] = header.kind
        self._note(header)
        self.members.append(Member(entry.offset, entry.data_offset, entry.stored, path, header))

    def _check(self, entry: Entry, header: Header, path: str) -> None:
        name = header.name[:80]
        if path != clean(stored_name(entry).decode("utf-8", "surrogateescape")):
            raise NotExpressible(f"the name {name!r} is read in different ways")
        if header.size != entry.stored or (entry.size != entry.stored and header.kind == "reg"):
            raise NotExpressible(f"{name!r} has another size than its header says")
        if path in self._kinds:
            raise NotExpressible(f"{name!r} is in it twice")
        if header.kind in _SPECIAL:
            raise NotExpressible(f"{name!r} is a device or a pipe, which a partial pull by podman leaves out")
        if header.kind == "hardlink":
            target = path_of(header.link.encode(), self._limits, self._what)
            if self._kinds.get(target, "dir") == "dir":
                raise NotExpressible(f"{name!r} is a hard link to a file that the layer has not named before")

    def _note(self, header: Header) -> None:
        """Remember what containers/storage of 2022 gets wrong: it takes names as JSON has them, and tidies links."""
        if self.trap:
            return
        if _has_escape(header.name) or _has_escape(header.link):
            self.trap = f"{header.name[:80]!r} has characters that JSON escapes"
        elif header.kind == "symlink" and _tidied(header.link) != header.link:
            self.trap = f"{header.name[:80]!r} links to {header.link[:80]!r}, which is not the shortest way to say it"


def clean(name: str) -> str:
    """A name as a path relative to the root; "" is the root itself."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def content_end(member: Member) -> int:
    """Where the next header may begin."""
    return member.end + padding(member.size)


def _has_escape(text: str) -> bool:
    return any(char < " " or char in '"\\' for char in text)


def _tidied(link: str) -> str:
    """As path.Clean of Go."""
    found = posixpath.normpath(link)
    return "/" + found.lstrip("/") if found.startswith("//") else found
