"""A plan in the making: rows marked to go, then brought into a state in which nothing else changes in the root.

Marks give way to what must hold: a directory that still holds something stays, content that a hard link needs stays
or moves to the link, and whatever a removal would bring to light again goes too. Each round either lets more rows go
that nobody sees, or holds more rows back; both end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from slimml.bloat.finding import Risk
from slimml.inventory.merge import merge
from slimml.inventory.table import LayerInventory, State
from slimml.oci.tar.events import Kind
from slimml.slim.names import MARKERS, Links, ancestors, directories_of, hard_links
from slimml.slim.plan import Verb, Why

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

HIDDEN = Why("hidden-copy", Risk.SAFE, "an older copy of a path that goes; it would come to light")
NEEDLESS_MARKER = Why("needless-whiteout", Risk.SAFE, "a whiteout of paths that no lower layer has any more")
NAMES = Why("hard-link-names", Risk.SAFE, "another name of the same content goes")


@dataclass
class Draft:
    """`drop` marks rows that go, `held` rows that must stay whatever is said; `why` are positions in `reasons`."""

    inventory: Inventory
    drop: NDArray[np.bool_]
    held: NDArray[np.bool_]
    why: NDArray[np.int32]
    reasons: list[Why]
    verb: NDArray[np.uint8]
    target: NDArray[np.int64]
    links: Links
    joined: bool = False
    """all layers become one"""

    @property
    def live(self) -> NDArray[np.bool_]:
        """Rows that are visible in the image as it is."""
        return np.asarray(self.inventory.state == State.LIVE, dtype=bool)

    def mark(self, rows: NDArray[np.int64], why: Why) -> None:
        """Let these rows go, but for those held or marked already."""
        chosen = rows[~self.drop[rows] & ~self.held[rows]]
        if chosen.size:
            self.drop[chosen] = True
            self.why[chosen] = self.reason(why)

    def reason(self, why: Why) -> int:
        """The position of a reason."""
        if why not in self.reasons:
            self.reasons.append(why)
        return self.reasons.index(why)

    def hold(self, rows: NDArray[np.int64] | Iterable[int]) -> None:
        """Keep these rows from now on."""
        chosen = np.asarray(list(rows), dtype=np.int64)
        self.held[chosen] = True
        self.drop[chosen] = False
        self.why[chosen] = -1

    def settle(self) -> None:
        """Bring the marks into a state in which the root changes by the live rows that go, and by nothing else."""
        self._mark_older_copies()
        while True:
            self._mark_beneath_directories()
            self._hold_directories()
            self._hold_link_contents()
            if not self._mark_resurrected():
                return

    def _mark_older_copies(self) -> None:
        inventory = self.inventory
        going = np.flatnonzero(self.drop & self.live)
        wanted = {inventory.paths[row] for row in going.tolist()}
        if wanted:
            kind = inventory.column("kind")
            hidden = np.flatnonzero(~self.live & ~self.drop & ~np.isin(kind, MARKERS)).tolist()
            older = [row for row in hidden if inventory.paths[row] in wanted]
            self.mark(np.array(older, dtype=np.int64), HIDDEN)

    def _mark_beneath_directories(self) -> None:
        """What is hidden beneath a directory that goes would make it anew: an engine creates missing parents."""
        inventory = self.inventory
        paths = inventory.paths
        kind = inventory.column("kind")
        going = np.flatnonzero(self.drop & self.live & (kind == Kind.DIRECTORY)).tolist()
        directories = {paths[row] for row in going}
        if not directories:
            return
        hidden = np.flatnonzero(~self.live & ~self.drop & ~self.held).tolist()
        beneath = np.array([row for row in hidden if not directories.isdisjoint(ancestors(paths[row]))], dtype=np.int64)
        marker = np.isin(kind[beneath], MARKERS)
        self.mark(beneath[~marker], HIDDEN)
        self.mark(beneath[marker], NEEDLESS_MARKER)

    def _hold_directories(self) -> None:
        """Keep directories in use: live ones with something live beneath, hidden ones whose path stays."""
        inventory = self.inventory
        paths = inventory.paths
        rows = np.flatnonzero(self.drop & (inventory.column("kind") == Kind.DIRECTORY))
        if not rows.size:
            return
        staying = [paths[row] for row in np.flatnonzero((self.live | self.held) & ~self.drop).tolist()]
        used = directories_of(staying)
        used.update(staying)
        visible = self.live[rows]
        if not self.joined:
            visible = visible | (inventory.state[rows] == State.OVERWRITTEN)
        self.hold(row for row, seen in zip(rows.tolist(), visible.tolist(), strict=True) if seen and paths[row] in used)

    def _hold_link_contents(self) -> None:
        links = self.links
        while True:
            needing = ~self.drop[links.rows] & (links.direct != links.rows)
            lost = needing & ~links.simple & (self.drop[links.holder] | self.drop[links.direct])
            if not lost.any():
                break
            self.hold(links.holder[lost])
            self.hold(links.direct[lost])
        moving = needing & self.drop[links.holder]
        holders, first = np.unique(links.holder[moving], return_index=True)
        heirs = links.rows[moving][first]
        for holder, heir in zip(holders.tolist(), heirs.tolist(), strict=True):
            # An entry may be written earlier in its layer if no directory above it was ever something else.
            if not self._solid.isdisjoint(ancestors(self.inventory.paths[heir])):
                self.hold([holder])

    @cached_property
    def _solid(self) -> set[str]:
        """Paths that somewhere are no directory."""
        paths = self.inventory.paths
        solid = ~np.isin(self.inventory.column("kind"), (Kind.DIRECTORY, *MARKERS))
        return {paths[row] for row in np.flatnonzero(solid).tolist()}

    def _mark_resurrected(self) -> bool:
        """Let rows go that would come to light; hold back what hides them where they have to stay."""
        kept = np.flatnonzero(~self.drop)
        state = merge(self.kept_layers()).state
        shown = kept[(state == State.LIVE) & ~self.live[kept]]
        self.mark(shown, HIDDEN)
        stuck = shown[self.held[shown]]
        if not self.joined:  # else nothing can hide them, and the plan has to be given up
            for row in stuck.tolist():
                self._hold_hiders(row)
        return len(shown) > (len(stuck) if self.joined else 0)

    def _hold_hiders(self, row: int) -> None:
        inventory = self.inventory
        path = inventory.paths[row]
        hiding = {path, *ancestors(path), ""}
        first = int(inventory.starts[int(inventory.by[row])])
        last = int(inventory.starts[int(inventory.by[row]) + 1])
        self.hold(place for place in range(first, last) if inventory.paths[place] in hiding)

    def kept_layers(self) -> list[LayerInventory]:
        """What the merge needs of the layers without the rows that go; one layer where they are to be joined."""
        kept = ~self.drop
        table = self.inventory.table.select(["path", "kind"])
        starts = [0, len(kept)] if self.joined else self.inventory.starts.tolist()
        return [
            LayerInventory(table.slice(start, stop - start).filter(pa.array(kept[start:stop])), 0, 0, 0, {})
            for start, stop in pairwise(starts)
        ]

    def mark_needless_markers(self) -> None:
        """Let whiteouts go that hide nothing any more, in layers that change anyway or that would be left empty."""
        inventory = self.inventory
        kind = inventory.column("kind")
        needless = self._needless(np.flatnonzero(np.isin(kind, MARKERS)))
        for layer in np.unique(inventory.layer[needless]).tolist():
            part = slice(int(inventory.starts[layer]), int(inventory.starts[layer + 1]))
            own = needless[(needless >= part.start) & (needless < part.stop)]
            if self.drop[part].any() or len(own) == part.stop - part.start:
                self.mark(own, NEEDLESS_MARKER)

    def _needless(self, markers: NDArray[np.int64]) -> NDArray[np.int64]:
        inventory = self.inventory
        if not self.drop.any() or not markers.size:
            return markers[:0]
        lowest: dict[str, int] = {}
        layer = inventory.layer
        kind = inventory.column("kind")
        for row in np.flatnonzero(~self.drop & ~np.isin(kind, MARKERS)).tolist():
            lowest.setdefault(inventory.paths[row], int(layer[row]))
        beneath: dict[str, int] = {}
        for path, number in lowest.items():
            # Rows ascend by layer, so that the first to tell of a directory lies lowest.
            for parent in (*ancestors(path), ""):
                if parent in beneath:
                    break
                beneath[parent] = number
        never = len(inventory.layers)
        found = []
        for row in markers.tolist():
            path = inventory.paths[row]
            first = beneath.get(path, never)
            if kind[row] == Kind.WHITEOUT:
                first = min(first, lowest.get(path, never))
            if first >= layer[row]:
                found.append(row)
        return np.array(found, dtype=np.int64)

    def name_links(self) -> None:
        """Turn marks into verbs, and give hard links whose target goes another one."""
        self.verb[self.drop] = Verb.DROP
        links = self.links
        affected = (self.drop[links.direct] | self.drop[links.holder]) & ~self.drop[links.rows]
        affected &= links.direct != links.rows
        for holder in np.unique(links.holder[affected]).tolist():
            group = links.holder == holder
            kept = links.rows[group & ~self.drop[links.rows]].tolist()
            stands = holder
            if self.drop[holder]:
                stands = kept.pop(0)
                self.verb[holder], self.target[holder] = Verb.MOVE, stands
                self._change(stands, Verb.MOVED, holder)
            for row in kept:
                direct = int(links.direct[links.rows == row][0])
                if self.drop[direct] or (stands != holder and direct != stands):
                    self._change(row, Verb.RETARGET, stands)

    def _change(self, row: int, verb: Verb, target: int) -> None:
        self.verb[row], self.target[row], self.why[row] = verb, target, self.reason(NAMES)


def begin(inventory: Inventory, held: NDArray[np.bool_], *, joined: bool = False) -> Draft:
    """A draft in which nothing goes. `held` rows stay; `joined` says that all layers become one."""
    count = inventory.table.num_rows
    return Draft(
        inventory=inventory,
        drop=np.zeros(count, dtype=bool),
        held=held,
        why=np.full(count, -1, dtype=np.int32),
        reasons=[],
        verb=np.zeros(count, dtype=np.uint8),
        target=np.full(count, -1, dtype=np.int64),
        links=hard_links(inventory),
        joined=joined,
    )
