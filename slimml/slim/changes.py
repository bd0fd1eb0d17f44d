"""What happens to the entries of a layer that a plan changes, told to write them by the tar reader."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

import numpy as np

from slimml.errors import InvalidImage, Unsupported
from slimml.oci.digest import Digest, sha256
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.header import BLOCK, number, padding
from slimml.oci.tar.writer import OwnerNames, entry_header, owner_names, padding_after
from slimml.slim.layer_sink import Nowhere
from slimml.slim.names import hard_links
from slimml.slim.plan import Verb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory
    from slimml.slim.layer_sink import TarSink
    from slimml.slim.plan import Plan
    from slimml.slim.removed import RemovedContent
    from slimml.slim.top_layer import TopLayer

_VERBS = tuple(Verb)
_LEAVING = (Verb.DROP, Verb.MOVE)
_LOSING = (*_LEAVING, Verb.REPLACE)
"""verbs of entries whose content is not in the result at their place"""
_EXTENSIONS = (b"g", b"x", b"L", b"K")
_GLOBAL = b"g"
_SIZE, _TYPE = slice(124, 136), slice(156, 157)
_SHARED = ("mode", "uid", "gid", "mtime")


class ContentsDiffer(Exception):
    """A file that was to become a hard link differs from its target: in content, or in what only the tar tells."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


@dataclass(frozen=True)
class Pass:
    """One rewriting of an image, and what it sees, by row.

    `before` and `after` are digests of content that goes, is edited or replaced; `after` has the new size, too.
    `lost` are hard links that go while the row with their content stays, by that row; `holder` the row with the content
    of each hard link; `names` the hard links that stay of each row whose content is replaced.
    """

    inventory: Inventory
    plan: Plan
    lost: dict[int, list[int]]
    holder: dict[int, int]
    names: dict[int, list[int]]
    targets: frozenset[int]
    before: dict[int, Digest] = field(default_factory=dict)
    after: dict[int, tuple[Digest, int]] = field(default_factory=dict)

    def digest(self, row: int) -> Digest | None:
        """The digest of a row's content before, None where it has none or nobody looked."""
        return self.before.get(row) or self.before.get(self.holder.get(row, -1))

    @property
    def watched(self) -> NDArray[np.int64]:
        """Rows that stay and are looked at all the same."""
        return np.array(sorted(self.targets | self.lost.keys()), dtype=np.int64)


def begin_pass(inventory: Inventory, plan: Plan) -> Pass:
    """A rewriting that has seen nothing yet."""
    links = hard_links(inventory)
    lost: dict[int, list[int]] = {}
    names: dict[int, list[int]] = {}
    holder_of = dict(zip(links.rows.tolist(), links.holder.tolist(), strict=True))
    for row, holder in holder_of.items():
        if plan.verb[holder] == Verb.REPLACE and plan.verb[row] != Verb.DROP:
            names.setdefault(holder, []).append(row)
        if plan.verb[row] == Verb.DROP and plan.verb[holder] not in _LEAVING and holder != row:
            lost.setdefault(holder, []).append(row)
    return Pass(inventory, plan, lost, holder_of, names, frozenset(plan.target[plan.verb == Verb.LINK].tolist()))


class Changes:
    """A visitor of the entries that are looked at; `begin_span` and `end_span` say which row is at hand."""

    def __init__(
        self, work: Pass, layer: int, sink: TarSink, removed: RemovedContent | None, top: TopLayer | None = None
    ) -> None:
        self._work, self._layer = work, layer
        self._sink, self._removed = sink, removed
        self._top = top
        self._inherited = {row for rows in work.lost.values() for row in rows}
        self._met_targets: dict[int, Entry] = {}
        self._row = -1
        self._verb = Verb.KEEP
        self._verbs = work.plan.verb.tolist()
        self._paths = work.inventory.paths
        self._raw: list[memoryview] = []
        self._entry: Entry | None = None
        self._owner = OwnerNames()
        self._hash = hashlib.sha256()
        self._content: list[memoryview] = []

    def begin_span(self, row: int, feed: Callable[[memoryview], None]) -> Callable[[memoryview], None]:
        """The next entry is that of `row`. Gives where its bytes go: to `feed` and to what else needs them."""
        self._row, self._verb = row, _VERBS[self._verbs[row]]
        self._raw, self._entry, self._content = [], None, []
        self._hash = hashlib.sha256()
        copying, gathering = self._verb is Verb.KEEP, self._verb is Verb.EDIT

        def receive(piece: memoryview) -> None:
            if copying:
                self._sink.write(piece)
            elif gathering or self._entry is None:
                self._raw.append(piece)
            feed(piece)

        return receive

    def end_span(self) -> None:
        """The span is over; raises InvalidImage if it held no entry."""
        if self._entry is None:
            raise self._misplaced()
        if self._verb is Verb.EDIT and self._entry.kind is Kind.FILE:
            self._edit(self._entry)

    def other(self, entry: Entry) -> None:
        """An entry without content."""
        self._meet(entry)
        if self._verb is Verb.RETARGET:
            target = self._work.inventory.paths[int(self._work.plan.target[self._row])]
            self._sink.write(entry_header(entry._replace(link=target), self._owner))
        elif self._verb is Verb.EDIT:
            self._lead_elsewhere(entry)
        elif self._verb in _LEAVING:
            if self._removed is not None and self._row not in self._inherited:
                self._keep_entry(self._removed, entry)
            if self._verb is Verb.MOVE:
                self._sink.write(entry_header(self._heir(entry), self._owner))
        if self._removed is not None:
            for row in self._work.lost.get(self._row, ()):
                self._removed.entry(int(self._work.inventory.layer[row]), self._named(entry, row), self._owner)

    def whole(self, entry: Entry, content: memoryview) -> None:
        """A file in one piece."""
        self.begin(entry)
        self.data(content)
        self.end()

    def begin(self, entry: Entry) -> None:
        """A file."""
        self._meet(entry)
        if entry.stored != entry.size or any(key.startswith("GNU.sparse.") for key in entry.pax or ()):
            raise Unsupported(f"/{entry.path} is a sparse file, which slimml cannot remove; keep it with --keep")
        if self._verb is Verb.MOVE:
            self._sink.write(entry_header(self._heir(entry), self._owner))
        if self._verb is Verb.LIFT:
            self._place_of(entry).write(entry_header(entry, self._owner))
        if self._removed is not None:
            if self._verb in _LOSING:
                self._removed.entry(self._layer, entry, self._owner)
            elif self._row in self._work.lost:
                first = self._work.lost[self._row][0]
                layer = int(self._work.inventory.layer[first])
                self._removed.entry(layer, self._named(entry, first), self._owner)

    def data(self, piece: memoryview) -> None:
        """Content of the file."""
        self._hash.update(piece)
        if self._verb is Verb.MOVE:
            self._sink.write(piece)
        if self._verb is Verb.LIFT and self._top is not None:
            self._top.write(piece)
        if self._verb is Verb.EDIT:
            self._content.append(piece)
        if self._removed is not None and self._is_kept():
            self._removed.data(piece)

    def end(self) -> None:
        """The file is complete."""
        entry = self._entry
        assert entry is not None
        digest = Digest("sha256:" + self._hash.hexdigest())
        for row in (self._row, *self._work.lost.get(self._row, ())):
            self._work.before[row] = digest
        if self._verb is Verb.MOVE:
            self._sink.write(padding_after(entry.size))
        if self._verb is Verb.LIFT and self._top is not None:
            self._top.write(padding_after(entry.size))
        if self._removed is not None and self._is_kept():
            self._removed.end(entry.size)
            self._keep_other_names(entry)
        if self._verb is Verb.LINK:
            self._link(entry, digest)
        if self._verb is Verb.REPLACE:
            self._replace(entry, digest)

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        """Content that is not in the tar; a layer that is rewritten is read whole."""
        raise InvalidImage(f"layer {self._layer}: the content of {entry.path[:80]!r} is not in its tar")

    def finish(self, tar_bytes: int) -> None:
        """The tar ended."""
        del tar_bytes

    def _misplaced(self) -> InvalidImage:
        return InvalidImage(f"layer {self._layer}: its entries are not where the inventory has them")

    def _is_kept(self) -> bool:
        return self._verb in _LOSING or self._row in self._work.lost

    def _meet(self, entry: Entry) -> None:
        """Check that the entry is the row's, and save global records from going with it."""
        if entry.path != self._paths[self._row] or self._entry is not None:
            raise self._misplaced()
        self._entry = entry
        self._owner = OwnerNames()
        if self._row in self._work.targets:
            self._met_targets[self._row] = entry
        if self._verb is Verb.KEEP:
            return
        length = entry.data_offset - entry.offset
        # Most entries go for good and have one header block: nothing of it is needed.
        if length > BLOCK or self._verb is not Verb.DROP or self._removed is not None:
            header = b"".join(self._raw)[:length]
            self._owner = owner_names(header[-BLOCK:], entry.pax)
            if self._verb is not Verb.EDIT:
                self._keep_global_records(header)
        if self._verb is not Verb.EDIT:
            self._raw = []

    def _keep_global_records(self, header: bytes) -> None:
        position = 0
        while header[position:][_TYPE] in _EXTENSIONS:
            size = number(header[position:][_SIZE])
            length = BLOCK + size + padding(size)
            if header[position:][_TYPE] == _GLOBAL:
                self._sink.write(header[position : position + length])
            position += length

    def _named(self, entry: Entry, row: int) -> Entry:
        return entry._replace(path=self._work.inventory.paths[row])

    def _heir(self, entry: Entry) -> Entry:
        """The entry under the name that inherits its content, with that name's attributes."""
        row = int(self._work.plan.target[self._row])
        mode, uid, gid, mtime = (int(self._work.inventory.table[name][row].as_py()) for name in _SHARED)
        return self._named(entry, row)._replace(mode=mode, uid=uid, gid=gid, mtime=mtime)

    def _keep_entry(self, removed: RemovedContent, entry: Entry) -> None:
        """Keep an entry without content; a hard link as one of the entry that holds its content, which goes as well."""
        holder = self._work.holder.get(self._row, self._row)
        if holder == self._row:
            removed.entry(self._layer, entry, self._owner)
        else:
            named = entry._replace(link=self._work.inventory.paths[holder])
            removed.entry(self._layer, named, self._owner, int(self._work.inventory.layer[holder]))

    def _keep_other_names(self, entry: Entry) -> None:
        """Of several names that go while their content stays, the first was kept as a file, the others link to it.

        Of a content that is replaced all names are kept, since none of them has it any more.
        """
        assert self._removed is not None
        first, *others = self._work.lost.get(self._row, [-1])
        if self._verb is Verb.REPLACE:
            others = self._work.lost.get(self._row, []) + self._work.names.get(self._row, [])
            first = self._row
        layers = self._work.inventory.layer
        for row in others:
            link = entry._replace(kind=Kind.HARDLINK, link=self._work.inventory.paths[first])
            self._removed.entry(int(layers[row]), self._named(link, row), self._owner, int(layers[first]))

    def _link(self, entry: Entry, digest: Digest) -> None:
        row = int(self._work.plan.target[self._row])
        target = self._met_targets.get(row)
        if target is None or self._work.before[row] != digest or _attributes(entry) != _attributes(target):
            raise ContentsDiffer(self._row)
        link = target._replace(path=entry.path, kind=Kind.HARDLINK, size=0, link=target.path)
        self._sink.write(entry_header(link, self._owner))
        if self._removed is not None and self._work.plan.verb[row] == Verb.REPLACE:
            self._removed.entry(self._layer, link, self._owner, int(self._work.inventory.layer[row]))

    def _replace(self, entry: Entry, digest: Digest) -> None:
        content = self._work.plan.offers[self._row].content
        if content.before != digest:
            raise InvalidImage(
                f"layer {self._layer}: {entry.path[:80]!r} is not what was made smaller; say slimml cache clear"
            )
        sink = self._place_of(entry)
        sink.write(entry_header(entry._replace(size=content.size), self._owner))
        for piece in content.pieces():
            sink.write(piece)
        sink.write(padding_after(content.size))
        self._work.after[self._row] = content.sha256, content.size

    def _edit(self, entry: Entry) -> None:
        content = b"".join(self._content)
        edited = self._work.plan.edits[self._row].apply(content)
        if edited == content:
            for piece in self._raw:
                self._sink.write(piece)
            return
        self._keep_global_records(b"".join(self._raw)[: entry.data_offset - entry.offset])
        header = entry_header(entry._replace(size=len(edited)), self._owner)
        self._sink.write(header + edited + padding_after(len(edited)))
        self._work.after[self._row] = sha256(edited), len(edited)
        if self._removed is not None:
            self._removed.entry(self._layer, entry, self._owner)
            self._removed.data(content)
            self._removed.end(entry.size)

    def _place_of(self, entry: Entry) -> TarSink:
        """Where the row at hand is written: the layer on top, with the directories above it, or its own."""
        if self._row not in self._work.plan.lifted:
            return self._sink
        if self._top is None:
            return Nowhere()
        self._top.make_room(entry.path)
        return self._top

    def _lead_elsewhere(self, entry: Entry) -> None:
        """Edit a symlink's target."""
        self._keep_global_records(b"".join(self._raw)[: entry.data_offset - entry.offset])
        old = entry.link.encode("utf-8", "surrogateescape")
        new = self._work.plan.edits[self._row].apply(old)
        self._sink.write(entry_header(entry._replace(link=new.decode("utf-8", "surrogateescape")), self._owner))
        self._work.before[self._row] = sha256(old)
        self._work.after[self._row] = sha256(new), 0
        if self._removed is not None:
            self._removed.entry(self._layer, entry, self._owner)


def _attributes(entry: Entry) -> Sequence[tuple[str, bytes]]:
    """What names of one file share and the table does not list: extended attributes."""
    records = (entry.pax or {}).items()
    return sorted((key, value) for key, value in records if key.startswith(("SCHILY.xattr.", "LIBARCHIVE.xattr.")))
