"""From clues to candidates: which removals a line of text may be about, the surest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from slimml.bloat.packages import normalised
from slimml.inventory.owner import System
from slimml.inventory.root import merged_root
from slimml.oci import documents
from slimml.oci.tar.events import Kind
from slimml.slim.mending.candidates import is_import_root
from slimml.slim.mending.evidence import THEMES, Clues
from slimml.slim.names import ancestors
from slimml.slim.options import matcher

if TYPE_CHECKING:
    from slimml.inventory.root import Root
    from slimml.slim.mending.candidates import Candidates, Unit

_SAME_NAME = 20
"""a file name that more removed files have than this tells nothing"""
_PYTHON = (".py", ".pyc", ".so", ".pyd", ".pyi")


class Suspects:
    """The candidates by the ways in which a text may name them."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates

    def named(self, clues: Sequence[Clues]) -> dict[Unit, str]:
        """Units that the lines name, with the line: paths, then modules and distributions, then file names."""
        found: dict[Unit, str] = {}
        for look in (self._by_path, self._by_module, self._by_distribution, self._by_name):
            for clue in clues:
                for unit in look(clue):
                    found.setdefault(unit, clue.line)
        return found

    def thought_of(self, clues: Sequence[Clues]) -> dict[Unit, str]:
        """Units that a line's theme is about, with the line."""
        found: dict[Unit, str] = {}
        for theme in dict.fromkeys(theme for clue in clues for theme in clue.themes):
            line = next(clue.line for clue in clues if theme in clue.themes)
            pattern = matcher(THEMES[theme].globs)
            assert pattern is not None
            for path, unit in self._candidates.unit_at.items():
                if pattern.match(path):
                    found.setdefault(unit, line)
        return found

    def beside(self, units: Iterable[Unit]) -> list[Unit]:
        """Units in the same directories, then those of the same owners, but for the application and whole systems."""
        candidates = self._candidates
        inventory = candidates.inventory
        near: dict[Unit, None] = {}
        owners = set()
        for unit in units:
            owner = int(inventory.owner[unit])
            if inventory.owners[owner].system not in (System.APPLICATION, System.UNKNOWN):
                owners.add(owner)
            near |= dict.fromkeys(candidates.directly_in(inventory.paths[unit].rpartition("/")[0]))
        near |= dict.fromkeys(unit for unit in candidates.rows if int(inventory.owner[unit]) in owners)
        return list(near)

    def _by_path(self, clue: Clues) -> Iterable[Unit]:
        for word in clue.words:
            if "/" not in word:
                continue
            path = _normal(word)
            for place in dict.fromkeys((path, self._root.resolve(path))):
                yield from self._at(place)
            if not word.startswith("/"):
                tail = f"/{path}"
                for unit_path in self._paths_named(path.rpartition("/")[2]):
                    if unit_path.endswith(tail):
                        yield self._candidates.unit_at[unit_path]

    def _by_module(self, clue: Clues) -> Iterable[Unit]:
        for module in clue.modules:
            units = self._modules.get(module.replace(".", "/"))
            if units:
                yield from units

    def _by_distribution(self, clue: Clues) -> Iterable[Unit]:
        for name in clue.distributions:
            yield from self._distributions.get(normalised(name), ())

    def _by_name(self, clue: Clues) -> Iterable[Unit]:
        for word in clue.words:
            # A whole path means itself; a word without a dot is a name only where something is said to be missing.
            if "/" in word or word.isdecimal() or not (clue.complains or "." in word[1:]):
                continue
            here = f"{self._directory}/{word}".lstrip("/")
            paths = [here] if here in self._candidates.unit_at else self._paths_named(word)
            if len(paths) > _SAME_NAME:
                paths = [path for path in paths if self._is_application(path)]
            if len(paths) <= _SAME_NAME:
                for path in paths:
                    yield self._candidates.unit_at[path]

    def _is_application(self, path: str) -> bool:
        inventory = self._candidates.inventory
        return inventory.owners[int(inventory.owner[inventory.live[path]])].system is System.APPLICATION

    def _at(self, path: str) -> Iterable[Unit]:
        if path in self._candidates.unit_at:
            yield self._candidates.unit_at[path]
        yield from self._beneath(path)

    def _beneath(self, directory: str) -> Iterable[Unit]:
        return self._inside.get(directory, ())

    def _paths_named(self, name: str) -> Sequence[str]:
        return self._names.get(name, ())

    @cached_property
    def _directory(self) -> str:
        """Where the image's program begins."""
        runtime = self._candidates.inventory.image.config.runtime
        return documents.text(runtime, "WorkingDir", "config", default="").strip("/")

    @cached_property
    def _root(self) -> Root:
        return merged_root(self._candidates.inventory)

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """Paths of files, links and the like by their last part; those of directories are everyday words."""
        inventory = self._candidates.inventory
        kind = inventory.column("kind")
        found: dict[str, list[str]] = defaultdict(list)
        for path in self._candidates.unit_at:
            if kind[inventory.live[path]] != Kind.DIRECTORY:
                found[path.rpartition("/")[2]].append(path)
        return dict(found)

    @cached_property
    def _inside(self) -> dict[str, list[Unit]]:
        """Units by the directories that they lie in. The whole root and its directories are no evidence."""
        found: dict[str, dict[Unit, None]] = defaultdict(dict)
        for path, unit in self._candidates.unit_at.items():
            for place in ancestors(path)[:-1]:
                found[place][unit] = None
        return {place: list(units) for place, units in found.items()}

    @cached_property
    def _modules(self) -> dict[str, list[Unit]]:
        """Units by the modules and packages (`a/b`) that they are part of."""
        found: dict[str, dict[Unit, None]] = defaultdict(dict)
        for path, unit in self._candidates.unit_at.items():
            parts = path.split("/")
            name = parts[-1].partition(".")[0] if parts[-1].endswith(_PYTHON) else parts[-1]
            # Where the application's imports begin is not known: every directory may be it.
            roots = [place + 1 for place, part in enumerate(parts[:-1]) if is_import_root(part)]
            for start in roots or range(len(parts)):
                for module in accumulate([*parts[start:-1], name], lambda one, other: f"{one}/{other}"):
                    found[module][unit] = None
        return {module: list(units) for module, units in found.items()}

    @cached_property
    def _distributions(self) -> dict[str, list[Unit]]:
        inventory = self._candidates.inventory
        found: dict[str, list[Unit]] = defaultdict(list)
        for unit in self._candidates.rows:
            owner = inventory.owners[int(inventory.owner[unit])]
            if owner.system in (System.PYTHON, System.CONDA):
                found[normalised(owner.name)].append(unit)
        return dict(found)


def _normal(word: str) -> str:
    parts: list[str] = []
    for part in word.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
