"""Is a plan safe? The merged root is worked out anew from what the plan leaves, and compared with the old one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from slimml.errors import SlimmlError
from slimml.inventory.merge import merge
from slimml.inventory.table import LayerInventory, State
from slimml.oci.tar.events import Kind
from slimml.slim.names import MARKERS, hard_links, link_texts
from slimml.slim.plan import Verb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory
    from slimml.slim.plan import Plan


class UnsafePlan(SlimmlError):
    """A plan would change more of the root than it says; a fault of slimml's, found before anything was written."""


@dataclass(frozen=True)
class _After:
    """The entries that the plan leaves, in order. `row` is whose attributes an entry has, `place` where it stands."""

    place: NDArray[np.int64]
    row: NDArray[np.int64]
    kind: NDArray[np.uint8]
    path: list[str]


def check_plan(inventory: Inventory, plan: Plan) -> None:
    """Raise UnsafePlan unless just the live rows that go vanish, nothing appears, and names keep their content."""
    after = _entries(inventory, plan)
    state = merge(_layers(inventory, plan, after)).state
    shown = np.sort(after.row[state == State.LIVE])
    live = inventory.state == State.LIVE
    expected = np.flatnonzero(live & ~np.isin(plan.verb, (Verb.DROP, Verb.MOVE)))
    if not np.array_equal(shown, expected):
        odd = np.setxor1d(shown, expected)
        first = inventory.paths[int(odd[0])]
        raise UnsafePlan(f"the plan would change {first!r} and {len(odd) - 1} other paths that it does not name")
    _check_contents(inventory, plan, after)


def _entries(inventory: Inventory, plan: Plan) -> _After:
    lifted = np.array(sorted(plan.lifted), dtype=np.int64)
    place = np.flatnonzero(~np.isin(plan.verb, (Verb.DROP, Verb.MOVED)))
    place = np.concatenate([np.setdiff1d(place, lifted), lifted])
    moved = plan.verb[place] == Verb.MOVE
    row = np.where(moved, plan.target[place], place)
    kind = inventory.column("kind")[place].copy()
    kind[plan.verb[place] == Verb.LINK] = Kind.HARDLINK
    paths = inventory.paths
    return _After(place, row, kind, [paths[it] for it in row.tolist()])


def _layers(inventory: Inventory, plan: Plan, after: _After) -> list[LayerInventory]:
    paths = inventory.table["path"].combine_chunks().take(pa.array(after.row))
    table = pa.table({"path": paths, "kind": pa.array(after.kind)})
    own = len(after.place) - len(plan.lifted)
    bounds = np.searchsorted(after.place[:own], inventory.starts)
    if plan.lifted:
        bounds = np.append(bounds, len(after.place))
    if plan.options.flatten:
        bounds = bounds[[0, -1]]
    return [LayerInventory(table.slice(start, stop - start), 0, 0, 0, {}) for start, stop in pairwise(bounds.tolist())]


def _check_contents(inventory: Inventory, plan: Plan, after: _After) -> None:
    """Every hard link that is left names the content that it named, or an equal one."""
    at = np.flatnonzero(after.kind == Kind.HARDLINK)
    before = hard_links(inventory)
    named_before = dict(zip(before.rows.tolist(), before.holder.tolist(), strict=True))
    texts = dict(zip(before.rows.tolist(), link_texts(inventory, before.rows), strict=True))
    paths, verb, target = inventory.paths, plan.verb, plan.target
    names: dict[int, str] = {}
    for position in at.tolist():
        row = int(after.row[position])
        names[position] = paths[int(target[row])] if verb[row] in (Verb.LINK, Verb.RETARGET) else texts[row]
    wanted = set(names.values())
    latest: dict[str, int] = {}
    provides: dict[int, int] = {}
    for position, path in enumerate(after.path):
        row = int(after.row[position])
        if position in names:
            found = latest.get(names[position])
            unresolved = named_before.get(row, -1) == row
            provides[position] = row if found is None else provides.get(found, int(after.place[found]))
            source = named_before.get(row, row)
            if not unresolved and (found is None or not _same(inventory, provides[position], source)):
                raise UnsafePlan(f"the plan would give the hard link {path!r} another content")
        if path in wanted and after.kind[position] not in MARKERS:
            latest[path] = position


def _same(inventory: Inventory, one: int, other: int) -> bool:
    if one == other:
        return True
    for name in ("content", "crc64"):
        values = [inventory.table[name][row].as_py() for row in (one, other)]
        if values[0] is not None and values[0] == values[1]:
            return bool(inventory.table["size"][one] == inventory.table["size"][other])
    return False
