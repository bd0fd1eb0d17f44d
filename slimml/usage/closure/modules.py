"""The depth of modules: of a distribution what was used, what that can import, and the data beside it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.owner import System
from slimml.usage.closure.module_source import ModuleTaker
from slimml.usage.closure.python_source import SOURCE_BYTES

if TYPE_CHECKING:
    from slimml.inventory.read_rows import Read
    from slimml.usage.closure.keeping import Keeping
    from slimml.usage.closure.packages import Packages
    from slimml.usage.closure.python_names import Names

_CODE = (".py", ".pyc", ".pyo")
_CACHE = "__pycache__"


class Modules:
    """Follows imports of kept modules within the distributions that are kept; another one is not kept for that.

    A module whose names are made up while it runs, or that gives its parts late (PEP 562), has all modules of its
    package kept.
    """

    def __init__(self, keeping: Keeping, names: Names, packages: Packages, read: Read) -> None:
        self._keeping, self._names, self._packages, self._read = keeping, names, packages, read
        self._sources: dict[int, ModuleTaker] = {}
        self._done: set[int] = set()
        self._owners: set[int] = set()
        self._packages_seen: set[str] = set()
        self._data_seen: set[str] = set()

    def keep_imported(self) -> None:
        """Keep what the kept modules that were not looked at yet can import, and the data beside them."""
        keeping = self._keeping
        self._look_ahead()
        inside = np.isin(keeping.inventory.owner, sorted(self._owners)) & (keeping.why > 0)
        for row in np.flatnonzero(inside).tolist():
            if row not in self._done and not keeping.is_directory[row] and row not in keeping.silent:
                self._done.add(row)
                self._follow(row)

    def _look_ahead(self) -> None:
        """Read the sources of distributions that joined, all in one pass over the layers."""
        keeping = self._keeping
        owners = keeping.inventory.owners
        fresh = [
            owner for owner in keeping.owners if owners[owner].system is System.PYTHON and owner not in self._owners
        ]
        self._owners.update(fresh)
        sizes = keeping.inventory.column("size")
        takers = {
            row: ModuleTaker()
            for owner in fresh
            for row in keeping.rows_of_owner.get(owner, ())
            if keeping.paths[row].endswith(".py") and sizes[row] <= SOURCE_BYTES and not self._packages.spare[row]
        }
        if takers:
            self._read(takers)
        self._sources.update(takers)

    def _follow(self, row: int) -> None:
        path = self._keeping.paths[row]
        directory = posixpath.dirname(path)
        if directory not in self._packages_seen:
            self._packages_seen.add(directory)
            self._keep_inits(path)
        if not path.endswith(_CODE):
            return
        if directory not in self._data_seen:
            self._data_seen.add(directory)
            self._keep_data(directory, path)
        taker = self._sources.pop(row, None)
        if taker is None:
            return
        source = taker.found
        for name in sorted(source.imports):
            self._keep(self._names.installed(name), f"/{path} imports {name}")
        for level, name in sorted(source.relative):
            above = directory
            for _ in range(level - 1):
                above = posixpath.dirname(above)
            self._keep(self._names.find(name, (above,)) if name else (), f"/{path} imports {'.' * level}{name}")
        for text in sorted(source.texts):
            self._keep(self._names.installed(text.partition(":")[0]), f"/{path} names {text}")
        if source.makes_up or source.loads_late or not source.read:
            for rows in self._names.modules(directory).values():
                self._keep(rows, f"/{path} imports names that it makes up while it runs")
            self._keep(self._subpackages(directory), f"/{path} imports names that it makes up while it runs")

        if source.loads_libraries:
            self._keep(list(self._beside(directory, libraries=True)), f"/{path} loads libraries")

    def _keep(self, rows: list[int] | tuple[int, ...], reason: str) -> None:
        """Keep rows of the distributions that are kept anyway."""
        keeping = self._keeping
        for row in rows:
            if int(keeping.inventory.owner[row]) in self._owners and not self._packages.spare[row]:
                keeping.keep(row, reason)

    def _keep_inits(self, path: str) -> None:
        """The packages that a module is in are imported before it."""
        directory = posixpath.dirname(path)
        while directory and directory not in self._names.sites:
            init = self._names.modules(directory).get("__init__")
            if init:
                self._keep(init, f"imported before /{path}, which is in it")
            directory = posixpath.dirname(directory)

    def _subpackages(self, directory: str) -> list[int]:
        keeping = self._keeping
        return [
            init
            for inner in keeping.directories.get(directory, ())
            for init in self._names.modules(inner).get("__init__", ())
        ]

    def _keep_data(self, directory: str, path: str) -> None:
        """Files beside a module that are no modules, also in directories beside it that hold no modules."""
        if directory in self._names.sites:
            return
        self._keep(list(self._beside(directory, libraries=False)), f"data beside /{path}")

    def _beside(self, directory: str, *, libraries: bool) -> Iterator[int]:
        keeping = self._keeping
        for row in keeping.below.get(directory, ()):
            name = posixpath.basename(keeping.paths[row])
            if not (keeping.is_directory[row] or name.endswith(_CODE)) and (".so" in name) is libraries:
                yield row
        for inner in keeping.directories.get(directory, ()):
            code = any(keeping.paths[row].endswith(_CODE) for row in keeping.below.get(inner, ()))
            if posixpath.basename(inner) != _CACHE and not code:
                yield from self._beside(inner, libraries=libraries)
