"""Where the module of a dotted name lies in an image: site directories, the standard library, the application."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from slimml.bloat.path_facts import path_facts

if TYPE_CHECKING:
    from slimml.usage.closure.keeping import Keeping

STDLIB = re.compile(r"(?:.*/)?lib(?:64)?/(?:python3\.\d+t?|pypy3\.\d+)")
_MODULES = ("py", "pyc", "so")
_MOST_PARTS = 32


class Names:
    """Finds modules. `application` are directories, relative to the root, that the application's modules are in."""

    def __init__(self, keeping: Keeping, application: Sequence[str]) -> None:
        self._keeping = keeping
        self.application = tuple(application)
        facts = path_facts(keeping.inventory)
        self.sites = tuple(facts.directories[position] for position in facts.sites)
        self._inside: dict[str, Mapping[str, list[int]]] = {}
        self._installed: dict[str, list[int]] = {}

    @cached_property
    def libraries(self) -> tuple[str, ...]:
        """Directories of the standard library."""
        found = {directory for directory in self._keeping.below if STDLIB.fullmatch(directory)}
        return tuple(sorted(found | {f"{directory}/lib-dynload" for directory in found}))

    def find(self, name: str, roots: Iterable[str]) -> list[int]:
        """Rows of the modules on the way to dotted `name`, packages' `__init__` first, in all of `roots`.

        What the last parts of a name are, a class perhaps, does not matter. Of a namespace package that nothing more
        is said of, all modules right in it count.
        """
        parts = name.split(".")[:_MOST_PARTS]
        found: list[int] = []
        for root in roots:
            found += self._way(root, parts)
        return found

    def local(self, name: str, beside: str) -> list[int]:
        """Modules of the application called `name`; `beside` is the directory of the module that asks."""
        return self.find(name, dict.fromkeys((beside, *self.application)))

    def installed(self, name: str) -> list[int]:
        """Modules of distributions and of the standard library called `name`."""
        known = self._installed.get(name)
        if known is None:
            known = self._installed[name] = self.find(name, (*self.sites, *self.libraries))
        return known

    def _way(self, directory: str, parts: Sequence[str]) -> Iterator[int]:
        for number, part in enumerate(parts):
            inside = self.modules(directory)
            yield from inside.get(part, ())
            directory = f"{directory}/{part}" if directory else part
            if directory not in self._keeping.below:
                return
            package = self.modules(directory).get("__init__", ())
            yield from package
            if not package and number + 1 == len(parts):
                for name in sorted(self.modules(directory)):
                    yield from self.modules(directory)[name]

    def modules(self, directory: str) -> Mapping[str, list[int]]:
        """The modules right in `directory`, by name: sources, extensions, and bytecode without a source."""
        known = self._inside.get(directory)
        if known is None:
            known = self._inside[directory] = self._look(directory)
        return known

    def _look(self, directory: str) -> Mapping[str, list[int]]:
        keeping = self._keeping
        found: dict[str, list[int]] = {}
        for row in keeping.below.get(directory, ()):
            file = keeping.paths[row].rpartition("/")[2]
            stem, _, rest = file.partition(".")
            if rest and rest.rpartition(".")[2] in _MODULES and not keeping.is_directory[row]:
                found.setdefault(stem, []).append(row)
        return found
