"""Which paths to mark for a line of the tree: what is shown of it, and nothing that a filter or another owner hides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.explore.tree import sums_beneath
from slimml.inventory.table import State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.explore.subject import Subject
    from slimml.explore.tree import Tree


def covering_paths(subject: Subject, tree: Tree, node: int) -> list[str]:
    """The fewest paths that have, with all beneath them, the shown files of a line that a container sees.

    Empty for older copies of paths that are still there; a path that is gone stands for the copies that layers carry.
    """
    inventory, places = subject.inventory, subject.places
    if node >= 0:
        path = places.paths[node]
        hidden = inventory.state[node] != State.LIVE
        return [] if hidden and path in inventory.live else [path]
    live = (inventory.state == State.LIVE) & (places.own < 0)
    every, shown = sums_beneath(places, live), sums_beneath(places, live & tree.shown)
    return list(_cover(subject, tree, ~node, every, shown))


def _cover(subject: Subject, tree: Tree, top: int, every: NDArray[np.int64], shown: NDArray[np.int64]) -> Iterator[str]:
    places, state, live = subject.places, subject.inventory.state, subject.inventory.live
    pending = [top]
    while pending:
        directory = pending.pop()
        if shown[directory] == every[directory] and places.directories[directory]:
            yield places.directories[directory]
            continue
        inside = places.order[places.first[directory] : places.first[directory + 1]]
        for row in inside[tree.shown[inside] & (places.own[inside] < 0)].tolist():
            if state[row] == State.LIVE or places.paths[row] not in live:
                yield places.paths[row]
        inner = np.flatnonzero(places.parent[directory + 1 : places.ends[directory]] == directory) + directory + 1
        pending.extend(inner[tree.visible[inner]].tolist())
