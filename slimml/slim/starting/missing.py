"""Which modules of an image have no bytecode that its Python would read, and where it would look for it (PEP 3147)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.bloat.environment import command_words, environment
from slimml.inventory.owner import System
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory

_INTERPRETER = re.compile(r"(?P<place>(?:.*/)?)s?bin/python3\.(?P<minor>\d+)")
_OF_VERSION = re.compile(r"(?:^|/)python3\.(\d+)/")
_LIBRARY = re.compile(r"(?:^|/)(?:lib(?:64)?/python3(?:\.\d+)?|(?:site|dist)-packages)/")
_TESTS = re.compile(r"(?:^|/)(?:tests?|idlelib|lib2to3|turtledemo)/")
_LEAST_SHARE = 0.5
_LEAST_MODULES = 200


@dataclass(frozen=True)
class Interpreter:
    """A Python of the image: `path` relative to the root; `minor` of its version 3.minor."""

    path: str
    minor: int


@dataclass(frozen=True)
class Uncompiled:
    """A module without bytecode: `row` of its source, `target` where the bytecode belongs, relative to the root."""

    row: int
    source: str
    target: str
    interpreter: Interpreter


def interpreters(inventory: Inventory) -> tuple[Interpreter, ...]:
    """Every `bin/python3.N` of the merged root, the shortest path of each version first."""
    found = []
    for path in inventory.live:
        if match := _INTERPRETER.fullmatch(path):
            found.append(Interpreter(path, int(match["minor"])))
    return tuple(sorted(found, key=lambda one: (one.minor, len(one.path), one.path)))


def optimisation(inventory: Inventory) -> int:
    """The level of optimisation that Python starts with, 0 without -O and PYTHONOPTIMIZE."""
    words = command_words(inventory)
    told = 2 if "-OO" in words else 1 if "-O" in words else 0
    variable = environment(inventory).get("PYTHONOPTIMIZE", "")
    return min(2, max(told, int(variable) if variable.isascii() and variable.isdigit() else int(bool(variable))))


def looks_elsewhere(inventory: Inventory) -> bool:
    """Whether the image lets Python look for bytecode in another place (PYTHONPYCACHEPREFIX)."""
    return bool(environment(inventory).get("PYTHONPYCACHEPREFIX"))


def uncompiled(inventory: Inventory) -> tuple[Uncompiled, ...]:
    """The modules of the standard library, of distributions and of the application that have no bytecode, by path.

    Left alone are: tests, programs (not `.py`), sources of a version that no Python here has, and all
    where bytecode lies elsewhere. Bytecode that is there is never looked into: whether it holds is Python's business.
    """
    known = interpreters(inventory)
    if not known or looks_elsewhere(inventory):
        return ()
    level = optimisation(inventory)
    return tuple(sorted(_uncompiled(inventory, known, level), key=lambda one: one.source))


def mostly_uncompiled(inventory: Inventory, found: tuple[Uncompiled, ...]) -> bool:
    """Whether so much of the distributions lacks bytecode that the image was made so (`pip --no-compile`)."""
    modules = sum(1 for path in inventory.live if path.endswith(".py") and "-packages/" in path and not _test(path))
    lacking = sum(1 for one in found if "-packages/" in one.source)
    return modules >= _LEAST_MODULES and lacking > _LEAST_SHARE * modules


def _uncompiled(inventory: Inventory, known: tuple[Interpreter, ...], level: int) -> Iterator[Uncompiled]:
    kind = inventory.column("kind")
    owners = inventory.owners
    optimised = f".opt-{level}" if level else ""
    for path, row in inventory.live.items():
        if not path.endswith(".py") or kind[row] != Kind.FILE or _test(path):
            continue
        if not _LIBRARY.search(path) and owners[int(inventory.owner[row])].system is not System.APPLICATION:
            continue
        interpreter = _interpreter_of(path, known)
        if interpreter is None:
            continue
        directory, _, name = path.rpartition("/")
        cache = f"{directory}/__pycache__" if directory else "__pycache__"
        target = f"{cache}/{name.removesuffix('.py')}.cpython-3{interpreter.minor}{optimised}.pyc"
        place = inventory.live.get(cache)
        if target not in inventory.live and (place is None or kind[place] == Kind.DIRECTORY):
            yield Uncompiled(row, path, target, interpreter)


def _test(path: str) -> bool:
    return _TESTS.search(path) is not None


def _interpreter_of(path: str, known: tuple[Interpreter, ...]) -> Interpreter | None:
    """The Python that reads a source: of the version in its path, nearest to it; else the only version there is."""
    found = _OF_VERSION.search(path)
    minors = {one.minor for one in known}
    if found is None and len(minors) > 1:
        return None
    minor = int(found[1]) if found else min(minors)
    fitting = [one for one in known if one.minor == minor]
    return max(fitting, key=lambda one: _common(one.path, path), default=None)


def _common(one: str, other: str) -> int:
    """How many directories two paths begin with alike."""
    count = 0
    for mine, theirs in zip(one.split("/"), other.split("/"), strict=False):
        if mine != theirs:
            break
        count += 1
    return count
