"""Names that share content: the hard links of each layer, and where what they name can go without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

MARKERS = (Kind.WHITEOUT, Kind.OPAQUE)


@dataclass(frozen=True)
class Links:
    """`rows` are the hard links, ascending. Of each, `direct` is the row that it names, `holder` the one with content.

    Both are the link itself where nothing before it has the name. `simple` says that all of it lies in one layer
    where no path occurs twice, so that names can be changed.
    """

    rows: NDArray[np.int64]
    direct: NDArray[np.int64]
    holder: NDArray[np.int64]
    simple: NDArray[np.bool_]


def link_texts(inventory: Inventory, rows: NDArray[np.int64]) -> list[str]:
    """The targets of these rows, as text with surrogate escapes."""
    texts = inventory.links
    return [texts[row] for row in rows.tolist()]


def hard_links(inventory: Inventory) -> Links:
    """Resolve every hard link as an engine does that applies one entry after the other."""
    kind = inventory.column("kind")
    rows = np.flatnonzero(kind == Kind.HARDLINK)
    texts = link_texts(inventory, rows)
    places = _rows_at(inventory, set(texts), kind)
    holder_of: dict[int, int] = {}
    direct: list[int] = []
    for row, text in zip(rows.tolist(), texts, strict=True):
        before = [place for place in places.get(text, ()) if place < row]
        direct.append(before[-1] if before else row)
        holder_of[row] = holder_of.get(direct[-1], direct[-1])
    holder = np.fromiter(holder_of.values(), np.int64, len(holder_of))
    named = np.array(direct, dtype=np.int64)
    return Links(rows, named, holder, _simple(inventory, rows, named, holder))


def _rows_at(inventory: Inventory, wanted: set[str], kind: NDArray[np.uint8]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    if wanted:
        for row, path in enumerate(inventory.paths):
            if path in wanted and kind[row] not in MARKERS:
                found.setdefault(path, []).append(row)
    return found


def _simple(
    inventory: Inventory, rows: NDArray[np.int64], direct: NDArray[np.int64], holder: NDArray[np.int64]
) -> NDArray[np.bool_]:
    layer = inventory.layer
    repeated = repeated_paths(inventory)
    sparse = inventory.column("tar_bytes")[holder] < inventory.column("size")[holder]
    inside = (layer[rows] == layer[holder]) & (layer[rows] == layer[direct]) & (direct != rows)
    return np.asarray(inside & ~sparse & ~repeated[rows] & ~repeated[holder] & ~repeated[direct], dtype=bool)


def repeated_paths(inventory: Inventory) -> NDArray[np.bool_]:
    """Rows whose path occurs more than once in their layer's tar."""
    found = np.zeros(inventory.table.num_rows, dtype=bool)
    for start, stop in zip(inventory.starts[:-1].tolist(), inventory.starts[1:].tolist(), strict=True):
        paths = inventory.paths[start:stop]
        if len(set(paths)) < len(paths):
            counts = Counter(paths)
            found[start:stop] = [counts[path] > 1 for path in paths]
    return found


def ancestors(path: str) -> list[str]:
    """The directories that a path lies in, the innermost first, without the root."""
    found = []
    while path := path.rpartition("/")[0]:
        found.append(path)
    return found


def directories_of(paths: Iterable[str]) -> set[str]:
    """All directories that any of the paths lies in, the root ("") included."""
    found: set[str] = set()
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return found
