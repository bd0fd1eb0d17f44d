"""Reads what Python says of its imports (-X importtime), and what the injected module tells, out of one stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

_IMPORT = re.compile(rb"import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S+)\s*$")
_TOLD = re.compile(rb"slimml-start (\d+) (\d+) ([a-z-]+) ?(.*)$")
_INDENT = 2
_MICRO, _NANO = 1e-6, 1e-9


@dataclass(frozen=True)
class Import:
    """One import, in seconds: `own` without what it imported itself. `depth` 0 was imported by nobody's import.

    `within` is the place, in the list, of the import that it was part of; None at depth 0. `after` is the time of the
    last told line before it ended.
    """

    module: str
    own: float
    cumulative: float
    depth: int
    within: int | None
    after: float


class _Line(NamedTuple):
    module: str
    own: float
    cumulative: float
    depth: int
    after: float


@dataclass(frozen=True)
class Told:
    """A line of the injected module: `at` in seconds on the clock of time.perf_counter() of the same machine."""

    process: int
    at: float
    what: str
    words: str


@dataclass(frozen=True)
class ImportTimes:
    """All of a stream: the imports of the program, in the order in which they ended, and what was told, in order.

    `interpreter` are the seconds of the imports that Python does by itself, up to `site` and all that this brings in.
    """

    imports: tuple[Import, ...]
    told: tuple[Told, ...]
    interpreter: float

    @property
    def processes(self) -> int:
        """How many Python processes told something."""
        return len({one.process for one in self.told})


@dataclass(frozen=True)
class Cost:
    """What the modules of one owner cost, in seconds: `own` their own code's, `cumulative` with all that they alone
    brought in: imports that were begun by none of this owner's.
    """

    owner: str
    own: float
    cumulative: float
    modules: int


def read_import_times(stream: bytes) -> ImportTimes:
    """The imports and the told lines of standard error; other lines are the program's and left alone."""
    lines: list[_Line] = []
    told: list[Told] = []
    interpreter = 0.0
    for line in stream.splitlines():
        if found := _TOLD.search(line):
            words = found[4].decode("utf-8", "replace")
            told.append(Told(int(found[1]), int(found[2]) * _NANO, found[3].decode(), words))
        elif found := _IMPORT.search(line):
            name, depth = found[4].decode("utf-8", "replace"), len(found[3]) // _INDENT
            after = told[-1].at if told else 0.0
            lines.append(_Line(name, int(found[1]) * _MICRO, int(found[2]) * _MICRO, depth, after))
            if name == "site" and depth == 0:
                interpreter += _take_interpreter(lines, first=interpreter == 0)
    return ImportTimes(_nested(lines), tuple(told), interpreter)


def _take_interpreter(lines: list[_Line], *, first: bool) -> float:
    """Take away the imports of an interpreter whose `site` is the last line: those within it, and before it, if no
    program has begun yet (`first`), all. Their seconds.
    """
    own = lines.pop().own
    while lines and (first or lines[-1].depth > 0):
        own += lines.pop().own
    return own


def _nested(lines: list[_Line]) -> tuple[Import, ...]:
    """A line comes when its import has ended, so a parent follows its children: read backwards it precedes them."""
    found: list[Import] = []
    way: list[int] = []
    for place in range(len(lines) - 1, -1, -1):
        line = lines[place]
        while way and lines[way[-1]].depth >= line.depth:
            way.pop()
        within = way[-1] if way else None
        found.append(Import(line.module, line.own, line.cumulative, line.depth, within, line.after))
        way.append(place)
    return tuple(reversed(found))


def costs_by_owner(imports: tuple[Import, ...], owner_of: Callable[[str], str]) -> tuple[Cost, ...]:
    """What each owner's modules cost, the dearest first. `owner_of` names the owner of a module."""
    owners = [owner_of(one.module) for one in imports]
    own: dict[str, float] = {}
    cumulative: dict[str, float] = {}
    modules: dict[str, int] = {}
    for one, owner in zip(imports, owners, strict=True):
        own[owner] = own.get(owner, 0.0) + one.own
        modules[owner] = modules.get(owner, 0) + 1
        outermost = owner not in (owners[place] for place in _above(imports, one))
        cumulative[owner] = cumulative.get(owner, 0.0) + (one.cumulative if outermost else 0.0)
    costs = (Cost(owner, own[owner], cumulative[owner], modules[owner]) for owner in own)
    return tuple(sorted(costs, key=lambda cost: (-cost.own, cost.owner)))


def _above(imports: tuple[Import, ...], one: Import) -> Iterable[int]:
    """The places of the imports that it was part of, the nearest first, as far as they had ended."""
    place = one.within
    while place is not None and place < len(imports):
        yield place
        place = imports[place].within
