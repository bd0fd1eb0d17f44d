"""Which packages can go together: sets closed under reverse dependencies, and the rows that go with a package."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.links import link_targets
from slimml.bloat.path_facts import path_facts
from slimml.inventory.owner import Owner, System
from slimml.oci.tar.events import Kind

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


def rows_of(inventory: Inventory, owners: Iterable[int]) -> NDArray[np.int64]:
    """Live rows that go with these owners: their files, bytecode of their sources, alternatives that lead to them."""
    facts = path_facts(inventory)
    chosen = np.zeros(len(inventory.owners) + 1, dtype=bool)
    chosen[list(owners)] = True
    owned = chosen[inventory.owner] & facts.live
    return np.flatnonzero(owned | _bytecode_of(inventory, owned) | _alternatives_of(inventory, owned))


def rows_where(inventory: Inventory, chosen: Callable[[Owner], bool]) -> Mask:
    """Rows, live or not, whose owner is `chosen`."""
    return np.array([chosen(owner) for owner in inventory.owners], dtype=bool)[inventory.owner]


def unpackaged(inventory: Inventory) -> Mask:
    """Rows that no package owns: the application's own files."""
    mask: Mask = path_facts(inventory).once(
        "unpackaged", lambda: rows_where(inventory, lambda owner: owner.system is System.APPLICATION)
    )
    return mask


def _bytecode_of(inventory: Inventory, owned: Mask) -> Mask:
    """Compiled at installation, hence in no package's list: `__pycache__/NAME.*.pyc` of an owned `NAME.py`."""
    facts = path_facts(inventory)
    followers = np.zeros_like(owned)
    compiled = np.flatnonzero(facts.files & facts.suffixed("pyc") & facts.beneath_named("__pycache__") & ~owned)
    for row in compiled.tolist():
        directory = facts.directories[int(facts.directory[row])].removesuffix("__pycache__")
        source = inventory.live.get(f"{directory}{facts.names[int(facts.name[row])].partition('.')[0]}.py")
        followers[row] = source is not None and owned[source]
    return followers


def _alternatives_of(inventory: Inventory, owned: Mask) -> Mask:
    """Symbolic links of update-alternatives(1) that would lead nowhere: /usr/bin/cc, /etc/alternatives/cc."""
    facts = path_facts(inventory)
    followers = np.zeros_like(owned)
    gone = owned.copy()
    inside = facts.beneath("etc/alternatives")
    links = facts.live & (facts.kind == Kind.SYMLINK) & ~owned
    outside = links & ~inside & facts.beneath("usr/bin", "usr/sbin", "usr/lib", "usr/share/man", "usr/local/bin")
    for rows in (np.flatnonzero(links & inside), np.flatnonzero(outside)):
        for row, target in zip(rows.tolist(), link_targets(inventory, rows), strict=True):
            leads_to = inventory.live.get(target)
            followers[row] = gone[row] = leads_to is not None and gone[leads_to]
        # Only links through /etc/alternatives are update-alternatives' own.
        gone &= facts.beneath("etc/alternatives")
    return followers


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
