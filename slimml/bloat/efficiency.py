"""The efficiency score of dive, counted as dive counts it, so that both tools can be held against each other.

dive 0.13, dive/filetree/efficiency.go: a path's score is its smallest size over all layers against the sum of its
sizes; a path that occurs twice or more is wasted with *all* its bytes, the needed copy included. A whiteout counts as
an occurrence of size 0, or of the size of the directory that it hides. slimml's own numbers are the findings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.score import Efficiency
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory


def efficiency_of(inventory: Inventory) -> Efficiency:
    """dive's `efficiencyScore` and `inefficientBytes` of an image.

    Directories have no size of their own in a tar and are left out: they change neither number, unless a path is a
    directory in one layer and a file in another.
    """
    kind = inventory.column("kind")
    whiteout = kind == Kind.WHITEOUT
    rows = np.flatnonzero((kind != Kind.DIRECTORY) & (kind != Kind.OPAQUE))
    if not rows.size:
        return Efficiency(1.0, 0)
    sizes = inventory.column("size").copy()
    if whiteout.any():
        sizes[whiteout] = _hidden_directories(inventory, np.flatnonzero(whiteout))
    path_ids = inventory.path_numbers
    rows = _last_of_layer(inventory, rows, path_ids, whiteout)
    _, paths, counts = np.unique(path_ids[rows], return_inverse=True, return_counts=True)
    total = np.zeros(len(counts), dtype=np.int64)
    np.add.at(total, paths, sizes[rows])
    smallest = np.full(len(counts), np.iinfo(np.int64).max)
    np.minimum.at(smallest, paths, sizes[rows])
    discovered = int(total.sum())
    score = int(smallest.sum()) / discovered if discovered else 1.0
    return Efficiency(score, int(total[counts > 1].sum()))


def _last_of_layer(
    inventory: Inventory, rows: NDArray[np.intp], path_ids: NDArray[np.int64], whiteout: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """Of entries with one path in one layer only the last counts; a whiteout is told from a file of its name."""
    distinct = int(path_ids.max()) + 1
    keys = (inventory.layer[rows].astype(np.int64) * 2 + whiteout[rows]) * distinct + path_ids[rows]
    _, last = np.unique(keys[::-1], return_index=True)
    return rows[::-1][last]


def _hidden_directories(inventory: Inventory, whiteouts: NDArray[np.intp]) -> list[int]:
    """Per whiteout the bytes of what lay below its path in lower layers and was visible until then."""
    paths, layer, sizes = inventory.paths, inventory.layer, inventory.column("size")
    hidden = {(int(layer[row]), paths[row]): 0 for row in whiteouts.tolist()}
    for row in np.flatnonzero((inventory.by >= 0) & (sizes > 0)).tolist():
        by, path = int(inventory.by[row]), paths[row]
        while "/" in path:
            path = path.rpartition("/")[0]
            if (by, path) in hidden:
                hidden[by, path] += int(sizes[row])
    return [hidden[int(layer[row]), paths[row]] for row in whiteouts.tolist()]
