"""A layer read once: its entries as nodes, every content hashed, and those that are wanted spooled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, NamedTuple

from slimml.errors import InvalidImage, Unsupported
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.scan import scan_layer
from slimml.oci.tar.events import Entry, Kind
from slimml.slim.layout.node import Node, content_hash, node_of

if TYPE_CHECKING:
    from slimml.oci.image import Layer
    from slimml.slim.layout.spool import Spool

_BOOKKEEPING = ".wh..wh."


class Listed(NamedTuple):
    """One entry: a node of its own, or (None) a marker or a hard link, which the entry tells."""

    entry: Entry
    node: Node | None


@dataclass(frozen=True)
class Listing:
    """A layer's entries in their order; `tar_bytes` is the length of its tar."""

    entries: Sequence[Listed]
    tar_bytes: int

    def __iter__(self) -> Iterator[Listed]:
        return iter(self.entries)


def read_listing(
    layer: Layer,
    spool: Spool | None = None,
    wanted: Callable[[int], bool] = lambda row: False,
    first_row: int = -1,
    *,
    limits: Limits = DEFAULT_LIMITS,
    advance: Callable[[int], None] = lambda amount: None,
) -> Listing:
    """The entries of a layer in their order, blob and diff ID verified.

    Rows count from `first_row` (-1: there are none); contents of those that are `wanted` go to the spool. Raises
    InvalidImage, LimitExceeded, and what reading raises.
    """
    lister = _Lister(spool, wanted, first_row)
    facts = scan_layer(layer, lister, limits=limits, hash_tar=True, advance=advance)
    return Listing(lister.found, facts.tar_bytes)


class _Lister:
    def __init__(self, spool: Spool | None, wanted: Callable[[int], bool], first_row: int) -> None:
        self.found: list[Listed] = []
        self._spool, self._wanted = spool, wanted
        self._row, self._step = first_row, 0 if first_row < 0 else 1
        self._hash = content_hash()
        self._node: Node | None = None
        self._keep = False

    def other(self, entry: Entry) -> None:
        """An entry without content."""
        row = self._next()
        if entry.kind is Kind.OTHER and _BOOKKEEPING in entry.path:
            return  # aufs's own, which engines pass over
        alone = entry.kind in (Kind.WHITEOUT, Kind.OPAQUE, Kind.HARDLINK)
        self.found.append(Listed(_slim(entry), None if alone else node_of(entry, row)))

    def whole(self, entry: Entry, content: memoryview) -> None:
        """A file in one piece."""
        self.begin(entry)
        self.data(content)
        self.end()

    def begin(self, entry: Entry) -> None:
        """A file."""
        row = self._next()
        self._hash = content_hash()
        self._node = node_of(entry, row)
        self.found.append(Listed(_slim(entry), self._node))
        self._keep = self._spool is not None and row >= 0 and self._wanted(row) and not self._node.fixed
        if self._keep and self._spool is not None:
            self._node.place = self._spool.size

    def data(self, piece: memoryview) -> None:
        """Content of the file."""
        self._hash.update(piece)
        if self._keep and self._spool is not None:
            self._spool.put(piece)

    def end(self) -> None:
        """The file is complete."""
        assert self._node is not None
        self._node.digest = self._hash.digest()

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        """Content that is not in the tar; a layer that is laid out anew is read whole."""
        raise InvalidImage(f"the content of {entry.path[:80]!r} is not in its layer's tar")

    def finish(self, tar_bytes: int) -> None:
        """The tar ended."""

    def _next(self) -> int:
        row = self._row
        self._row += self._step
        return row


def _slim(entry: Entry) -> Entry:
    """The entry, without what its node has."""
    return entry if entry.kind is Kind.HARDLINK else entry._replace(pax=None)


def unsupported_link(entry: Entry) -> Unsupported:
    """The error for a hard link that leads to nothing an engine could link."""
    return Unsupported(f"/{entry.path[:200]} is a hard link to /{entry.link[:200]}, which is not there to be linked")
