"""Links: which row holds the content that several names share, and where symbolic links lead."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.path_facts import path_facts
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory


def hard_links(inventory: Inventory) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that are hard links, and for each the row that holds its content (itself where the target is missing).

    A link names an entry before it, in its own layer as engines apply layers one by one; a link to a link is followed.
    """
    pair: tuple[NDArray[np.int64], NDArray[np.int64]] = path_facts(inventory).once(
        "hard links", lambda: _resolve(inventory)
    )
    return pair


def _resolve(inventory: Inventory) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    links = np.flatnonzero(inventory.column("kind") == Kind.HARDLINK)
    if not links.size:
        return links, links
    texts = inventory.links
    targets = [texts[row] for row in links.tolist()]
    wanted = set(targets)
    places: dict[str, list[int]] = {}
    for row, path in enumerate(inventory.paths):
        if path in wanted:
            places.setdefault(path, []).append(row)
    holder: dict[int, int] = {}
    for link, target in zip(links.tolist(), targets, strict=True):
        before = [row for row in places.get(target, ()) if row < link]
        holder[link] = holder.get(before[-1], before[-1]) if before else link
    return links, np.fromiter(holder.values(), dtype=np.int64, count=len(holder))


def link_targets(inventory: Inventory, links: NDArray[np.int64]) -> list[str]:
    """The paths that these symbolic links name, relative to the root; one step, as text."""
    paths = inventory.paths
    texts = inventory.links
    joined = (posixpath.join("/", posixpath.dirname(paths[link]), texts[link]) for link in links.tolist())
    return [posixpath.normpath(path).lstrip("/") for path in joined]


def held_back(inventory: Inventory, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of `rows` whose content a live hard link outside `rows` still needs: they have to stay."""
    links, holders = hard_links(inventory)
    if not links.size:
        return links
    going = np.zeros(inventory.table.num_rows, dtype=bool)
    going[rows] = True
    needed = path_facts(inventory).live[links] & ~going[links] & going[holders]
    return np.unique(holders[needed])


def linked_from_outside(inventory: Inventory, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of `rows` that live symbolic links outside `rows` lead to, or that lie in a directory so linked."""
    facts = path_facts(inventory)
    links, targets = facts.once("symbolic links", lambda: _symbolic_links(inventory))
    going = np.zeros(inventory.table.num_rows, dtype=bool)
    going[rows] = True
    used = np.zeros_like(going)
    used[targets[~going[links]]] = True
    used &= going
    directories = np.flatnonzero(used & (facts.kind == Kind.DIRECTORY)).tolist()
    used |= facts.beneath(*(inventory.paths[row] for row in directories))
    return rows[used[rows]]


def _symbolic_links(inventory: Inventory) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Live symbolic links that lead to a live row, and that row."""
    facts = path_facts(inventory)
    links = np.flatnonzero(facts.live & (facts.kind == Kind.SYMLINK))
    targets = np.array([inventory.live.get(path, -1) for path in link_targets(inventory, links)], dtype=np.int64)
    return links[targets >= 0], targets[targets >= 0]
