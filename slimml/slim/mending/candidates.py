"""What could be put back: the changes of a plan that a container notices, in units that stay or go together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Risk
from slimml.bloat.path_facts import SITE_NAMES
from slimml.inventory.root import merged_root
from slimml.inventory.table import State
from slimml.slim.names import ancestors, hard_links
from slimml.slim.plan import Kept, Verb

if TYPE_CHECKING:
    from slimml.inventory.root import Root
    from slimml.inventory.table import Inventory
    from slimml.slim.plan import Plan

_NOTICED = (Verb.DROP, Verb.MOVE, Verb.LINK, Verb.EDIT, Verb.REPLACE)
_DARING = (Risk.ASK, Risk.LIKELY, Risk.SAFE)
_NAMED = 3
_MODULES = (".py", ".pyc", ".so")
_LIBRARY = re.compile(r"python\d[\d.]*|lib-dynload")
_LIGHT_BYTES = 64 << 10

Unit = int
"""A row that stands for itself, for all rows of a package that goes whole, or for the modules of one directory."""


@dataclass(frozen=True)
class Candidates:
    """`rows` of each unit, the riskiest removals first; `unit_at` is the unit of a path that changes."""

    inventory: Inventory
    plan: Plan
    rows: dict[Unit, tuple[int, ...]]
    packages: frozenset[Unit]
    unit_at: dict[str, Unit]

    def trail(self, unit: Unit) -> Sequence[str]:
        """The branches that lead to a unit: its owner, the rule, directory after directory."""
        label = self.label(unit)
        if unit in self.packages:
            return (label,)
        return (label, self.plan.reason_of(unit).rule, *self.inventory.paths[unit].split("/"))

    def weight(self, unit: Unit) -> int:
        """Bytes of content that come back with a unit."""
        return int(sum(self._sizes[row] for row in self.rows[unit]))

    def label(self, unit: Unit) -> str:
        """Who owns a unit."""
        return self.inventory.owners[int(self.inventory.owner[unit])].label

    def complete(self, units: Iterable[Unit]) -> list[int]:
        """The rows of units, and of what their symlinks lead to, ascending."""
        pending = list(units)
        found: dict[Unit, None] = {}
        while pending:
            unit = pending.pop()
            if unit in found:
                continue
            found[unit] = None
            for row in self.rows[unit]:
                path = self.inventory.paths[row]
                leads = self.unit_at.get(self._root.resolve(path)) if path in self._root.links else None
                if leads is not None:
                    pending.append(leads)
        return sorted({row for unit in found for row in self.rows[unit]})

    def kept(self, units: Iterable[Unit], reason: str) -> Kept:
        """These units, all of one owner, as what the plan has to keep."""
        rows = self.complete(units)
        covering = self._covering(rows)
        first = self.unit_at[self.inventory.paths[rows[0]]]
        more = f" and {len(covering) - _NAMED} more" if len(covering) > _NAMED else ""
        named = ", ".join(covering[:_NAMED]) + more
        return Kept(
            name=self.label(first) if first in self.packages else named,
            paths=covering,
            rows=tuple(rows),
            rules=tuple(sorted({self.plan.reason_of(row).rule for row in rows})),
            disk_bytes=int(sum(self._sizes[row] for row in rows)),
            reason=reason,
        )

    def with_neighbours(self, units: Iterable[Unit]) -> frozenset[Unit]:
        """These units, and what lies directly beside them where that is light altogether: needed or not, it belongs to
        them (the rest of a small package, the other zones of a region).
        """
        found = set(units)
        for place in {self.inventory.paths[unit].rpartition("/")[0] for unit in found - self.packages}:
            beside = [unit for unit in self.directly_in(place) if unit not in found]
            if sum(map(self.weight, beside)) <= _LIGHT_BYTES:
                found.update(beside)
        return frozenset(found)

    def directly_in(self, directory: str) -> list[Unit]:
        """Units that lie in a directory, not deeper; packages that go whole lie nowhere."""
        return self._directly_in.get(directory, [])

    def parts(self, units: Iterable[Unit], most: int) -> list[frozenset[Unit]]:
        """Units that are told of together: each package, each directory that comes back as a whole, each file.

        Where these are more than `most`, all of an owner and a rule.
        """
        single = sorted(units)
        by_place: dict[str, set[Unit]] = defaultdict(set)
        by_rule: dict[tuple[str, ...], set[Unit]] = defaultdict(set)
        covering = self._covering([row for unit in single if unit not in self.packages for row in self.rows[unit]])
        for unit in single:
            by_rule[tuple(self.trail(unit)[:2])].add(unit)
            path = f"/{self.inventory.paths[unit]}"
            above = (place for place in covering if path == place or path.startswith(f"{place}/"))
            by_place[self.label(unit) if unit in self.packages else next(above, path)].add(unit)
        found = by_place.values() if len(by_place) <= most else by_rule.values()
        return [frozenset(part) for part in found]

    def _covering(self, rows: Sequence[int]) -> tuple[str, ...]:
        """The highest paths, in absolute form, beneath which these rows and no others change."""
        paths = [self.inventory.paths[row] for row in rows]
        mine: dict[str, set[str]] = defaultdict(set)
        count: dict[str, int] = defaultdict(int)
        for path in paths:
            child = path
            for place in (path, *ancestors(path)):
                count[place] += 1
                if place != child:
                    mine[place].add(child)
                child = place
        tops = {path.split("/", 1)[0] for path in paths}
        found: list[str] = []
        pending = sorted(tops, reverse=True)
        while pending:
            place = pending.pop()
            children = mine.get(place, set())
            # A directory stands for what it holds if that is more than one thing, and all of it comes back.
            if count[place] == self._changes[place] and (len(children) != 1 or place in self.unit_at):
                found.append(f"/{place}")
            elif children:
                pending.extend(sorted(children, reverse=True))
        # A directory that comes back without all it held would cover too much; it comes with what lies in it.
        return tuple(found) or tuple(f"/{path}" for path in paths)

    @cached_property
    def _changes(self) -> dict[str, int]:
        """How many changed paths are at or beneath each path."""
        found: dict[str, int] = defaultdict(int)
        for path in self.unit_at:
            for place in (path, *ancestors(path)):
                found[place] += 1
        return found

    @cached_property
    def _directly_in(self) -> dict[str, list[Unit]]:
        found: dict[str, list[Unit]] = defaultdict(list)
        for unit in self.rows.keys() - self.packages:
            found[self.inventory.paths[unit].rpartition("/")[0]].append(unit)
        return found

    @cached_property
    def _sizes(self) -> list[int]:
        sizes: list[int] = self.inventory.column("size").tolist()
        return sizes

    @cached_property
    def _root(self) -> Root:
        return merged_root(self.inventory)


def candidates_of(inventory: Inventory, plan: Plan) -> Candidates:
    """All that a container could miss of what a plan does."""
    noticed = np.isin(plan.verb, _NOTICED) & (inventory.state == State.LIVE)
    daring = {why: rank for rank, why in enumerate(_DARING)}
    code = _packages_of_modules(inventory)
    names = _names_of_replaced(inventory, plan)
    order = sorted(np.flatnonzero(noticed).tolist(), key=lambda row: (daring[plan.reason_of(row).risk], row))
    whole = set(plan.packages)
    first: dict[Hashable, Unit] = {}
    rows: dict[Unit, list[int]] = {}
    packages = set()
    for row in order:
        owner = int(inventory.owner[row])
        unit = row
        if owner in whole:
            unit = first.setdefault(owner, row)
            packages.add(unit)
        elif row in code:
            unit = first.setdefault((code[row], owner, int(plan.why[row])), row)
        rows.setdefault(unit, []).extend([row, *names.get(row, ())])
    unit_at = {inventory.paths[row]: unit for unit, own in rows.items() for row in own}
    fixed = {unit: tuple(own) for unit, own in rows.items()}
    return Candidates(inventory, plan, fixed, frozenset(packages), unit_at)


def _names_of_replaced(inventory: Inventory, plan: Plan) -> dict[int, list[int]]:
    """The hard links of rows whose content is replaced: all names get the old content back, or none."""
    links = hard_links(inventory)
    found: dict[int, list[int]] = {}
    for row, holder in zip(links.rows.tolist(), links.holder.tolist(), strict=True):
        if plan.verb[holder] == Verb.REPLACE and plan.verb[row] == Verb.KEEP and inventory.state[row] == State.LIVE:
            found.setdefault(holder, []).append(row)
    return found


def _packages_of_modules(inventory: Inventory) -> dict[int, str]:
    """The directory of each module that lies in a package of Python's: half a package fails later and elsewhere.

    Modules directly in a directory of the import path stand for themselves.
    """
    found: dict[int, str] = {}
    for path, row in inventory.live.items():
        if path.endswith(_MODULES):
            directory = path.rpartition("/")[0].removesuffix("/__pycache__")
            above = directory.split("/")
            if not is_import_root(above[-1]) and any(map(is_import_root, above)):
                found[row] = directory
    return found


def is_import_root(name: str) -> bool:
    """Whether a directory of this name is one in which Python looks for modules."""
    return name in SITE_NAMES or _LIBRARY.fullmatch(name) is not None
