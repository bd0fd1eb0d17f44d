"""What the tree is about: a layer, the whole image, an owner or a finding, as rows, each with its sign.

Comparing follows the OCI image-spec, layer.md ("Applying Changesets"), on what the inventory has merged.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.table import State
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.bloat.finding import Finding
    from slimml.explore.places import Places
    from slimml.inventory.table import Inventory

    Mask = NDArray[np.bool_]

_ATTRIBUTES = ("kind", "mode", "uid", "gid")


class Sign(IntEnum):
    """What became of a path."""

    SAME = 0
    ADDED = 1
    MODIFIED = 2
    REMOVED = 3


SIGNS = {Sign.SAME: " ", Sign.ADDED: "+", Sign.MODIFIED: "~", Sign.REMOVED: "-"}
"""How each is written"""


@dataclass(frozen=True)
class Scope:
    """`rows` are those to show, `sign` (Sign) of each row, `counted` those whose bytes sum up in directories."""

    title: str
    rows: Mask
    sign: NDArray[np.uint8]
    counted: Mask


def of_layers(inventory: Inventory, places: Places, top: int, base: int, title: str) -> Scope:
    """What a container of the layers 0 to `top` sees, held against one of the layers 0 to `base` (-1: of none).

    A directory whose entry is written again with the same attributes is the same. Of a path that is gone the entry that
    was visible last is shown; its bytes are counted nowhere, but layers still carry them.
    """
    now, before = visible_at(inventory, top), visible_at(inventory, base)
    sign = np.zeros(len(now), dtype=np.uint8)
    new = np.flatnonzero(now & ~before)
    sign[new] = Sign.ADDED
    older = np.flatnonzero(before)
    same = _matching(places.key[new], places.key[older])
    again = new[same >= 0]
    old = older[same[same >= 0]]
    sign[again] = Sign.MODIFIED
    unchanged = inventory.column("kind")[again] == Kind.DIRECTORY
    for name in _ATTRIBUTES:
        column = inventory.column(name)
        unchanged &= column[again] == column[old]
    sign[again[unchanged]] = Sign.SAME
    gone = _gone(inventory, places, top, base, now, before)
    sign[gone] = Sign.REMOVED
    rows = now.copy()
    rows[gone] = True
    return Scope(title, rows, sign, now)


def of_owner(inventory: Inventory, owner: int, title: str) -> Scope:
    """All rows of an owner (a position); those that no container sees are removed ones."""
    return _chosen(inventory, inventory.owner == owner, title)


def of_finding(inventory: Inventory, finding: Finding, title: str) -> Scope:
    """The rows of a finding, or those that it speaks of where other findings have them all."""
    chosen = np.zeros(inventory.table.num_rows, dtype=bool)
    chosen[finding.rows if finding.rows.size else finding.mentioned] = True
    return _chosen(inventory, chosen, title)


def visible_at(inventory: Inventory, layer: int) -> Mask:
    """The rows that a container of the layers 0 to `layer` sees."""
    hidden = (inventory.by >= 0) & (inventory.by <= layer)
    return np.asarray((inventory.layer <= layer) & ~hidden & (inventory.state != State.MARKER), dtype=bool)


def _chosen(inventory: Inventory, rows: Mask, title: str) -> Scope:
    rows = np.asarray(rows & (inventory.state != State.MARKER), dtype=bool)
    hidden = inventory.state != State.LIVE
    return Scope(title, rows, np.where(hidden, Sign.REMOVED, Sign.SAME).astype(np.uint8), rows)


def _matching(wanted: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each of `wanted` the position in `known` of the same number; -1 where there is none."""
    if not known.size:
        return np.full(len(wanted), -1, dtype=np.int64)
    order = np.argsort(known, kind="stable")
    at = np.minimum(np.searchsorted(known[order], wanted), len(known) - 1)
    return np.where(known[order[at]] == wanted, order[at], -1)


def _gone(inventory: Inventory, places: Places, top: int, base: int, now: Mask, before: Mask) -> NDArray[np.int64]:
    """Rows of paths that were there, at `base` or in a layer above it, and are not any more: of each path the last."""
    there = (inventory.layer <= top) & (inventory.layer > base) & (inventory.state != State.MARKER)
    lost = np.flatnonzero((there | before) & ~now)
    lost = lost[_matching(places.key[lost], places.key[np.flatnonzero(now)]) < 0]
    _, last = np.unique(places.key[lost][::-1], return_index=True)
    return np.sort(lost[::-1][last])
