"""Where the rows of an image lie, as arrays: each subtree is one slice, and no object per file is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.path_facts import path_facts
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

    Mask = NDArray[np.bool_]
    Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Places:
    """Directories are numbered in preorder: the subtree of directory i is `i:ends[i]`, 0 is the root.

    `order` are all rows by directory; those that lie in directory i (not deeper) are `order[first[i]:first[i + 1]]`,
    those anywhere beneath it `order[first[i]:first[ends[i]]]`. `directory` is where each row lies, `own` the directory
    that a row is the entry of, -1 for rows that are none, and for directories that hold nothing; `entry` the last row
    that is the entry of a directory, -1 where no layer has one. `key` is a number of each row's path, the same for the
    same path.
    """

    paths: list[str]
    directories: list[str]
    ends: Positions
    parent: Positions
    depth: Positions
    directory: Positions
    own: Positions
    entry: Positions
    key: Positions
    order: Positions
    first: Positions
    _names: list[str]
    _name: Positions

    def name_of_row(self, row: int) -> str:
        """The last component of a row's path."""
        return self._names[int(self._name[row])]

    def name_of_directory(self, directory: int) -> str:
        """The last component of a directory's path; "" for the root."""
        return self.directories[directory].rpartition("/")[2]

    def beneath(self, directory: int) -> Positions:
        """Rows anywhere beneath a directory; its own entry is not one of them."""
        return self.order[self.first[directory] : self.first[self.ends[directory]]]

    @cached_property
    def directory_rank(self) -> Positions:
        """Of each directory the place of its name among all names in order."""
        return self._ranks[1]

    @cached_property
    def row_rank(self) -> Positions:
        """Of each row the place of its name among all names in order."""
        return self._ranks[0]

    @cached_property
    def _ranks(self) -> tuple[Positions, Positions]:
        names = [*self._names, *(path.rpartition("/")[2] for path in self.directories)]
        ranks = np.empty(len(names), dtype=np.int64)
        ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
        return ranks[self._name], ranks[len(self._names) :]


def places_of(inventory: Inventory) -> Places:
    """The places of an inventory's rows."""
    facts = path_facts(inventory)
    count = len(facts.directories)
    order = np.argsort(facts.directory, kind="stable")
    parent, depth = _parents(facts.ends)
    own = _own(inventory)
    entry = np.full(count, -1, dtype=np.int64)
    told = np.flatnonzero(own >= 0)
    entry[own[told]] = told
    return Places(
        paths=inventory.paths,
        directories=facts.directories,
        ends=facts.ends,
        parent=parent,
        depth=depth,
        directory=facts.directory,
        own=own,
        entry=entry,
        key=facts.directory * (len(facts.names) + 1) + facts.name,
        order=order,
        first=np.searchsorted(facts.directory[order], np.arange(count + 1)),
        _names=facts.names,
        _name=facts.name,
    )


def _parents(ends: Positions) -> tuple[Positions, Positions]:
    """Of each directory, in preorder, the one that holds it (-1 for the root), and how deep it lies."""
    parent, depth = np.full(len(ends), -1, dtype=np.int64), np.zeros(len(ends), dtype=np.int64)
    around: list[int] = []
    stops = ends.tolist()
    for position in range(len(stops)):
        while around and stops[around[-1]] <= position:
            around.pop()
        if around:
            parent[position] = around[-1]
        depth[position] = len(around)
        around.append(position)
    return parent, depth


def _own(inventory: Inventory) -> Positions:
    own = np.full(inventory.table.num_rows, -1, dtype=np.int64)
    position, paths = path_facts(inventory).position, inventory.paths
    for row in np.flatnonzero(inventory.column("kind") == Kind.DIRECTORY).tolist():
        found = position(paths[row])
        own[row] = -1 if found is None else found
    return own
