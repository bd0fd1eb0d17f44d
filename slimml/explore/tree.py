"""A scope as directories: bytes, signs and what is open; the lines to show are worked out for open directories only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from slimml.explore.scope import Sign

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.explore.places import Places
    from slimml.explore.scope import Scope

    Mask = NDArray[np.bool_]
    Numbers = NDArray[np.int64]


class Order(StrEnum):
    """How entries of a directory are sorted."""

    SIZE = "size"
    NAME = "name"


@dataclass(frozen=True)
class Lines:
    """The lines of a tree from top to bottom. `node` is a row, or `~d` for directory d; `depth` begins at 0."""

    node: Numbers
    depth: Numbers


@dataclass(frozen=True)
class Tree:
    """The directories of a scope. Arrays have one element per directory of `places`.

    `shown` are the rows that passed the filters; `weight` the bytes of each row. `total` is what lies beneath a
    directory, counted rows only, or all where nothing counts. `files` are rows beneath that are no directories.
    `entry` is the row that is the directory's own entry, of the scope or else of the image; -1 where there is none.
    """

    places: Places
    scope: Scope
    shown: Mask
    weight: Numbers
    total: Numbers
    files: Numbers
    visible: Mask
    sign: NDArray[np.uint8]
    entry: Numbers

    def lines(self, opened: Mask, order: Order) -> Lines:
        """The lines while the directories in `opened` are open, closed ones around them hiding them."""
        places = self.places
        opened = self._reached(opened)
        rows = np.flatnonzero(self.shown & (places.own < 0))
        rows = rows[opened[places.directory[rows]]]
        inner = np.flatnonzero(self.visible)
        inner = inner[(inner > 0) & opened[places.parent[inner]]]
        node = np.concatenate([rows, ~inner])
        around = np.concatenate([places.directory[rows], places.parent[inner]])
        rank = np.concatenate([places.row_rank[rows], places.directory_rank[inner]])
        size = np.concatenate([self.weight[rows], self.total[inner]])
        keys = (rank, -size, around) if order is Order.SIZE else (rank, around)
        sorting = np.lexsort(keys)
        node, around = node[sorting], around[sorting]
        return _stacked(places, opened, node, around)

    def largest(self, count: int) -> list[int]:
        """The `count` largest shown rows that are no directories, by bytes."""
        rows = np.flatnonzero(self.shown & self.scope.counted & (self.places.own < 0))
        found: list[int] = rows[np.argsort(-self.weight[rows], kind="stable")[:count]].tolist()
        return found

    def only_child(self, directory: int) -> int | None:
        """The directory that is all that a directory shows, None where there is more or something else."""
        places = self.places
        around = (places.parent == directory) & self.visible
        inside = places.order[places.first[directory] : places.first[directory + 1]]
        if np.count_nonzero(around) != 1 or (self.shown[inside] & (places.own[inside] < 0)).any():
            return None
        return int(np.flatnonzero(around)[0])

    def rows_of(self, node: int) -> Numbers:
        """The shown rows that a line stands for: itself, or a directory with all beneath it."""
        if node >= 0:
            return np.array([node], dtype=np.int64)
        inside = self.places.beneath(~node)
        found = inside[self.shown[inside]]
        entry = int(self.entry[~node])
        return np.append(found, entry) if entry >= 0 and self.shown[entry] else found

    def _reached(self, opened: Mask) -> Mask:
        """Directories that are open, and so are all around them; the root always is."""
        reached = opened & self.visible
        reached[0] = True
        places = self.places
        for depth in range(1, int(places.depth.max(initial=0)) + 1):
            here = np.flatnonzero(reached & (places.depth == depth))
            reached[here] = reached[places.parent[here]]
        return np.asarray(reached, dtype=bool)


def tree_of(places: Places, scope: Scope, shown: Mask, weight: Numbers) -> Tree:
    """The tree of the rows in `shown`, with `weight` bytes each."""
    beneath = _Beneath(places)
    counted = beneath.sums(np.where(shown & scope.counted, weight, 0))
    whole = beneath.sums(np.where(shown, weight, 0))
    alive = beneath.sums(shown & scope.counted)
    entry = _entries(places, scope.rows)
    visible = (beneath.sums(shown) > 0) | (_of_entries(shown, entry) > 0)
    return Tree(
        places=places,
        scope=scope,
        shown=shown,
        weight=weight,
        total=np.where(alive > 0, counted, whole),
        files=beneath.sums(shown & (places.own < 0)),
        visible=np.asarray(visible, dtype=bool),
        sign=_signs(beneath, scope, entry),
        entry=np.where(entry >= 0, entry, places.entry),
    )


def sums_beneath(places: Places, values: NDArray[np.generic]) -> Numbers:
    """For each directory the sum of a value per row over the rows anywhere beneath it."""
    return _Beneath(places).sums(values)


@dataclass(frozen=True)
class _Beneath:
    """Sums over subtrees: rows are ordered so that each is a slice, and a running sum tells all of them."""

    places: Places

    def sums(self, values: NDArray[np.generic]) -> Numbers:
        places = self.places
        running = np.zeros(len(places.order) + 1, dtype=np.int64)
        np.cumsum(values[places.order], dtype=np.int64, out=running[1:])
        return np.asarray(running[places.first[places.ends]] - running[places.first[:-1]], dtype=np.int64)


def _entries(places: Places, rows: Mask) -> Numbers:
    entry = np.full(len(places.directories), -1, dtype=np.int64)
    own = np.flatnonzero(rows & (places.own >= 0))
    entry[places.own[own]] = own
    return entry


def _of_entries(values: NDArray[np.generic], entry: Numbers) -> NDArray[np.uint8]:
    """Of each directory the value of its entry, 0 where it has none."""
    found = np.zeros(len(entry), dtype=np.uint8)
    told = entry >= 0
    found[told] = values[entry[told]]
    return found


def _signs(beneath: _Beneath, scope: Scope, entry: Numbers) -> NDArray[np.uint8]:
    """A directory is what its entry is; one that stayed the same, or that no entry tells of, is what lies beneath."""
    every = beneath.sums(scope.rows)
    found = np.full(len(entry), Sign.SAME, dtype=np.uint8)
    same = beneath.sums(scope.rows & (scope.sign == Sign.SAME))
    found[same < every] = Sign.MODIFIED
    told = entry >= 0
    for sign in (Sign.ADDED, Sign.REMOVED):
        found[~told & (every > 0) & (beneath.sums(scope.rows & (scope.sign == sign)) == every)] = sign
    own = _of_entries(scope.sign, entry)
    return np.where(own == Sign.SAME, found, own).astype(np.uint8)


def _stacked(places: Places, opened: Mask, node: Numbers, around: Numbers) -> Lines:
    """Lines of `node`, which are sorted within the directories `around` them, each beneath its directory's line."""
    height = np.ones(len(node), dtype=np.int64)
    inner = np.flatnonzero(node < 0)
    directory = ~node[inner]
    line_of = np.full(len(places.directories), -1, dtype=np.int64)
    line_of[directory] = inner
    depth = places.depth[around]
    levels = [np.flatnonzero(depth == level) for level in range(int(depth.max(initial=-1)) + 1)]
    for level in reversed(levels[1:]):
        np.add.at(height, line_of[around[level]], height[level])
    # Within a directory each line begins where the ones before it end.
    begin = np.cumsum(height) - height
    starts = np.r_[True, around[1:] != around[:-1]] if len(around) else np.zeros(0, dtype=bool)
    begin -= np.repeat(begin[starts], np.diff(np.r_[np.flatnonzero(starts), len(around)]))
    for level in levels[1:]:
        begin[level] += begin[line_of[around[level]]] + 1
    sequence = np.empty(len(node), dtype=np.int64)
    sequence[begin] = np.arange(len(node))
    return Lines(node[sequence], depth[sequence])
