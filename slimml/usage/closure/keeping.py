"""What is kept so far, row by row and owner by owner, and what has not been looked at yet; every rule adds to it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.owner import System
from slimml.inventory.root import merged_root
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory
    from slimml.usage.closure_result import Depth

PACKAGED = frozenset({System.DPKG, System.APK, System.RPM, System.CONDA, System.PYTHON, System.NPM})
OPERATING_SYSTEM = frozenset({System.DPKG, System.APK, System.RPM})
DATABASES = ("var/lib/dpkg/", "lib/apk/db/", "usr/lib/apk/db/", "var/lib/rpm/", "usr/lib/sysimage/rpm/")
_SILENT = re.compile(
    r"(?:site|dist)-packages/(?:[^/]+\.pth$|_distutils_hack/|__editable__|(?:[^/]+/)?[^/]+\.(?:dist|egg)-info(?:/|$))"
)
_IN_SITE = re.compile(r"(?:^|/)(?:site|dist)-packages/.")


class Keeping:
    """Rows only ever join. `why` are positions in `reasons`, 0 for a row that is not kept; the first reason stays."""

    def __init__(self, inventory: Inventory, depth: Depth) -> None:
        self.inventory, self.depth = inventory, depth
        self.root = merged_root(inventory)
        self.paths, self.live = inventory.paths, inventory.live
        self.kinds = inventory.column("kind")
        self.why: NDArray[np.int32] = np.zeros(len(self.paths), np.int32)
        self.owners: dict[int, str] = {}
        self.notes: dict[str, None] = {}
        self._reasons: dict[str, int] = {"": 0}
        self._rows: list[int] = []
        self._owners: list[int] = []
        self._deferred: dict[int, list[tuple[int, str]]] = {}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every sentence so far; the first is of rows that are not kept."""
        return tuple(self._reasons)

    def keep(self, row: int, reason: str) -> None:
        """Keep a live row, unless it is kept already, or is a directory that could become hollow."""
        if not self.why[row] and not self.may_be_hollow(row):
            self.why[row] = self._reasons.setdefault(reason, len(self._reasons))
            self._rows.append(row)

    def keep_directory(self, row: int, reason: str) -> None:
        """Keep a directory though it may be left empty, or because something is kept in it."""
        if not self.why[row]:
            self.why[row] = self._reasons.setdefault(reason, len(self._reasons))

    def may_be_hollow(self, row: int) -> bool:
        """Whether a directory lies among distributions and holds something: if all of that goes it must go as well.

        What is left of it would be a namespace package, and `import` of it would succeed.
        """
        path = self.paths[row]
        return bool(self.is_directory[row]) and path in self.below and _IN_SITE.search(path) is not None

    def keep_all(self, rows: Iterable[int], reason: str) -> None:
        """Keep these live rows."""
        for row in rows:
            self.keep(row, reason)

    def keep_path(self, path: str, reason: str) -> bool:
        """Keep what is at `path` and the links on the way there; False where nothing is."""
        way = self.way(path)
        self.keep_all(way, reason)
        return bool(way)

    def keep_owner(self, owner: int, reason: str) -> None:
        """Say that something of this package is used; its application and unknown owners have rules of their own."""
        if owner not in self.owners and self.inventory.owners[owner].system in PACKAGED:
            self.owners[owner] = reason
            self._owners.append(owner)

    def defer(self, row: int, reason: str) -> None:
        """Keep a row as soon as its owner is kept, for this reason; a directory of nobody waits for what is in it."""
        owner = int(self.inventory.owner[row])
        packaged = self.inventory.owners[owner].system in PACKAGED
        if owner in self.owners and self.may_be_hollow(row):
            self.keep_directory(row, reason)
        elif owner in self.owners or not packaged:
            self.keep(row, reason)
        else:
            self._deferred.setdefault(owner, []).append((row, reason))

    def wait(self, row: int, owner: int, reason: str) -> None:
        """Keep a row of nobody as soon as this owner is kept."""
        if owner in self.owners:
            self.keep(row, reason)
        else:
            self._deferred.setdefault(owner, []).append((row, reason))

    def take_deferred(self, owner: int) -> list[tuple[int, str]]:
        """Rows that waited for their owner, with reasons."""
        return self._deferred.pop(owner, [])

    def note(self, text: str) -> None:
        """A remark for the user, said once."""
        self.notes[text] = None

    def take_rows(self) -> list[int]:
        """Rows that joined since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def take_owners(self) -> list[int]:
        """Owners that joined since the last call."""
        owners, self._owners = self._owners, []
        return owners

    @property
    def settled(self) -> bool:
        """Whether everything that joined has been looked at."""
        return not self._rows and not self._owners

    def kept(self, path: str) -> bool:
        """Whether the live row at `path` is kept."""
        row = self.live.get(path)
        return row is not None and bool(self.why[row])

    def way(self, path: str) -> list[int]:
        """Rows of the symlinks that lead from `path` on, and of what they lead to; empty where nothing is there."""
        end, crossed, whole = self.root.walk(path)
        row = self.live.get(end)
        if row is None or not whole:
            return []
        return [*(self.live[link] for link in crossed), row]

    @cached_property
    def below(self) -> dict[str, list[int]]:
        """The live rows directly in each directory that holds something, also one that only implied ones are in."""
        found: dict[str, list[int]] = {}
        for path, row in self.live.items():
            if path:
                found.setdefault(path.rpartition("/")[0], []).append(row)
        for directory in list(found):
            while directory:
                directory = directory.rpartition("/")[0]
                if directory in found:
                    break
                found[directory] = []
        return found

    @cached_property
    def directories(self) -> dict[str, list[str]]:
        """The directories directly in each directory, also those that no entry tells of, if they hold something."""
        found: dict[str, list[str]] = {}
        for directory in sorted(self.below):
            if directory:
                found.setdefault(directory.rpartition("/")[0], []).append(directory)
        return found

    @cached_property
    def is_directory(self) -> NDArray[np.bool_]:
        """Rows that are directories."""
        return np.asarray(self.kinds == Kind.DIRECTORY, dtype=bool)

    @cached_property
    def forms(self) -> list[str]:
        """What each row's file is (slimml.inventory.form)."""
        return [str(form) for form in self.inventory.table["form"].to_pylist()]

    @cached_property
    def rows_of_owner(self) -> dict[int, list[int]]:
        """The live rows of each owner that has any."""
        rows = np.flatnonzero(self.inventory.state == State.LIVE)
        found: dict[int, list[int]] = {}
        for row, owner in zip(rows.tolist(), self.inventory.owner[rows].tolist(), strict=True):
            found.setdefault(owner, []).append(row)
        return found

    @cached_property
    def silent(self) -> frozenset[int]:
        """Rows whose use says nothing of their package: its records, and what Python reads whenever it starts.

        Alone the records would tell a lie. A `.pth` goes with its distribution, and so does the hack of setuptools.
        """
        listed = (path for owner in self.inventory.owners for path in owner.database)
        rows = {self.live[path] for path in listed if path in self.live}
        rows.update(row for path, row in self.live.items() if path.startswith(DATABASES) or _SILENT.search(path))
        return frozenset(row for row in rows if not self.is_directory[row])

    def contents(self) -> Iterator[int]:
        """Live rows that are no directories."""
        return (row for row in self.live.values() if not self.is_directory[row])
