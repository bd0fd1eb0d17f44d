"""Which packages can go together: sets closed under reverse dependencies, and the rows that go with a package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.path_facts import path_facts
from slimml.inventory.owner import Owner, System

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_PACKAGED = frozenset({System.DPKG, System.APK, System.RPM, System.CONDA, System.PYTHON, System.NPM})
_OF_PYTHON = "python"
_SEPARATORS = re.compile(r"[-_.]+")
_NAME_END = {
    System.DPKG: re.compile(r"[\s(:]"),
    System.APK: re.compile(r"[\s<>=~]"),
    System.RPM: re.compile(r"\s"),
    System.CONDA: re.compile(r"[\s<>=!~\[]"),
    System.PYTHON: re.compile(r"[\s(<>=!~;\[@]"),
}
"""Where a requirement's version, architecture or marker begins."""


def normalised(name: str) -> str:
    """A Python distribution's name as names are compared (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def removable_packages(inventory: Inventory, wanted: Callable[[Owner], bool]) -> set[int]:
    """The largest set of wanted owners (positions) that nothing remaining requires.

    Essential packages never go. A requirement with alternatives, or one that several packages provide, holds as long
    as one of them remains; where all of them were wanted, all stay. Python and conda packages answer to each other's
    requirements, and so do a system's packages of Python distributions (`python3-NAME`).
    """
    going = {
        position
        for position, owner in enumerate(inventory.owners)
        if owner.system in _PACKAGED and not owner.essential and wanted(owner)
    }
    if not going:
        return going
    requirements = _requirements(inventory)
    pending = [position for position in range(len(inventory.owners)) if position not in going]
    while pending:
        for providers in requirements.get(pending.pop(), ()):
            if providers <= going:
                going -= providers
                pending.extend(providers)
    return going


def needed_by(inventory: Inventory, owner: int, going: Iterable[int] = ()) -> set[int]:
    """The packages (positions) that require `owner`, and that nothing else would serve without it and those `going`."""
    without = {owner, *going}
    return {
        position
        for position, requirements in _requirements(inventory).items()
        if position not in without and any(owner in providers and providers <= without for providers in requirements)
    }


def rows_of(inventory: Inventory, owners: Iterable[int]) -> NDArray[np.int64]:
    """Live rows that go with these owners, and directories of Python distributions that they leave empty.

    An empty directory among distributions would be a namespace package: `import NAME` would succeed.
    """
    facts = path_facts(inventory)
    chosen = np.zeros(len(inventory.owners) + 1, dtype=bool)
    chosen[list(owners)] = True
    owned = chosen[inventory.owner] & facts.live
    return np.flatnonzero(owned | (facts.emptied(owned) & facts.in_site))


def rows_where(inventory: Inventory, chosen: Callable[[Owner], bool]) -> Mask:
    """Rows, live or not, whose owner is `chosen`."""
    return np.array([chosen(owner) for owner in inventory.owners], dtype=bool)[inventory.owner]


def unpackaged(inventory: Inventory) -> Mask:
    """Rows that no package owns: the application's own files."""
    mask: Mask = path_facts(inventory).once(
        "unpackaged", lambda: rows_where(inventory, lambda owner: owner.system is System.APPLICATION)
    )
    return mask


def _requirements(inventory: Inventory) -> dict[int, list[frozenset[int]]]:
    """For each owner its requirements that something here meets: the positions of those that do."""
    found: dict[int, list[frozenset[int]]] = path_facts(inventory).once(
        "requirements", lambda: _resolve_requirements(inventory)
    )
    return found


def _resolve_requirements(inventory: Inventory) -> dict[int, list[frozenset[int]]]:
    providers: dict[tuple[str, str], set[int]] = {}
    for position, owner in enumerate(inventory.owners):
        for family, name in _names(owner):
            providers.setdefault((family, name), set()).add(position)
    found: dict[int, list[frozenset[int]]] = {}
    for position, owner in enumerate(inventory.owners):
        if owner.system not in _PACKAGED:
            continue
        met = []
        for requirement in owner.requires:
            either: set[int] = set()
            for alternative in requirement.split("|"):
                either |= _meeting(inventory, owner, alternative.strip(), providers)
            if either and position not in either:
                met.append(frozenset(either))
        found[position] = met
    return found


def _meeting(
    inventory: Inventory, owner: Owner, requirement: str, providers: dict[tuple[str, str], set[int]]
) -> set[int]:
    either: set[int] = set()
    for name in dict.fromkeys((requirement, _bare(owner.system, requirement))):
        for family in _families(owner):
            either |= providers.get((family, normalised(name) if family == _OF_PYTHON else name), set())
        if either:
            return either
    if requirement.startswith("/"):
        row = inventory.live.get(requirement.strip("/"))
        if row is not None and inventory.owners[int(inventory.owner[row])].system is owner.system:
            either.add(int(inventory.owner[row]))
    return either


def _bare(system: System, requirement: str) -> str:
    end = _NAME_END.get(system)
    return end.split(requirement, maxsplit=1)[0] if end else requirement


def _families(owner: Owner) -> tuple[str, ...]:
    if owner.system is System.PYTHON:
        return (_OF_PYTHON,)
    if owner.system is System.CONDA:
        return (_OF_PYTHON, System.CONDA.value)
    return (owner.system.value,)


def _names(owner: Owner) -> Iterable[tuple[str, str]]:
    said = (owner.name, *owner.provides)
    for name in dict.fromkeys((*said, *(_bare(owner.system, name) for name in said))):
        for family in _families(owner):
            yield family, normalised(name) if family == _OF_PYTHON else name
    if owner.system in (System.DPKG, System.RPM, System.APK):
        for prefix in ("python3-", "py3-"):
            if owner.name.startswith(prefix):
                yield _OF_PYTHON, normalised(owner.name.removeprefix(prefix))
