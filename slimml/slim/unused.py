"""What a recording does not keep, as findings of the rule `unused`: whole packages, and files.

A package goes whole, with what its database says of it, when nothing of it but directories is kept. What others claim
is left alone where the recording saw it used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Action, Finding, Risk
from slimml.bloat.path_facts import path_facts
from slimml.bloat.rules import UNUSED
from slimml.inventory.owner import System
from slimml.inventory.root import merged_root
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.usage.closure_result import Depth
from slimml.usage.recording import Operation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.owner import Owner
    from slimml.inventory.table import Inventory
    from slimml.usage.closure_result import Closure
    from slimml.usage.recording import Recording

_RISKS = {Depth.DISTRIBUTION: Risk.LIKELY, Depth.MODULE: Risk.ASK, Depth.STRICT: Risk.ASK}
_UNPACKAGED = frozenset({System.APPLICATION, System.UNKNOWN})
_OF_PYTHON = frozenset({System.PYTHON, System.CONDA})
_TOUCHED = Operation.OPEN | Operation.EXEC
_DISTRIBUTION = "a distribution of which nothing was used, and that nothing used needs"
_PACKAGE = "a package of which nothing was used, and that nothing used needs"
_REST = "neither used nor needed by what was, in a package that stays"
_LOOSE = "neither used nor needed by what was; no package owns it"
_HIDDEN = "hidden by a later layer in every image that has it"
_FIX = "leave it out of the build, or let it be an image of its own"


def used_rows(inventory: Inventory, recordings: Sequence[Recording]) -> NDArray[np.int64]:
    """Live rows that were opened or executed, ascending."""
    root = merged_root(inventory)
    found: set[int] = set()
    for recording in recordings:
        for use in recording.uses:
            if use.operations & _TOUCHED:
                row = inventory.live.get(use.path)
                row = inventory.live.get(root.resolve(use.path)) if row is None else row
                if row is not None:
                    found.add(row)
    return np.array(sorted(found), dtype=np.int64)


def findings_by_use(
    inventory: Inventory, findings: Sequence[Finding], closure: Closure, used: NDArray[np.int64]
) -> list[Finding]:
    """`findings` less what was used (rows, as `used_rows` gives them), followed by those of the rule `unused`."""
    return [*_sparing(inventory, findings, used), *unused_findings(inventory, closure)]


def unused_findings(inventory: Inventory, closure: Closure) -> list[Finding]:
    """The rows that are not kept: those of packages that go whole, of packages that stay, and of no package."""
    return _unused(inventory, closure.keep, frozenset(closure.owners_dropped), _RISKS[closure.depth])


def unneeded_findings(inventory: Inventory, needed: NDArray[np.bool_], hidden: NDArray[np.bool_]) -> list[Finding]:
    """The same for layers of several images: what none of them needs. `hidden` are rows that nobody sees."""
    found = _unused(inventory, needed, frozenset(), Risk.LIKELY)
    out_of_sight = _files(inventory, Risk.SAFE, hidden, _HIDDEN, "Hidden by later layers")
    return [*found, *([out_of_sight] if out_of_sight else [])]


def _unused(inventory: Inventory, keep: NDArray[np.bool_], named: frozenset[int], risk: Risk) -> list[Finding]:
    going = (inventory.state == State.LIVE) & ~keep
    facts = path_facts(inventory)
    going |= facts.emptied(going) & facts.in_site  # an empty directory there could still be imported
    whole = _whole_owners(inventory, keep, named, going)
    of_whole = np.isin(inventory.owner, sorted(whole))
    unpackaged = _owned_by(inventory, lambda owner: owner.system in _UNPACKAGED)
    python = _owned_by(inventory, lambda owner: owner.system in _OF_PYTHON)
    made = [
        _packages(inventory, risk, whole, going & of_whole & python, "Distributions that nothing uses", True),
        _packages(inventory, risk, whole, going & of_whole & ~python, "Packages that nothing uses", False),
        _files(inventory, risk, going & ~of_whole & ~unpackaged, _REST, "Unused files of packages that stay"),
        _files(inventory, risk, going & unpackaged, _LOOSE, "Unused files of no package"),
    ]
    return [finding for finding in made if finding is not None]


def _whole_owners(
    inventory: Inventory, keep: NDArray[np.bool_], named: frozenset[int], going: NDArray[np.bool_]
) -> set[int]:
    """Packages of which something goes and no content stays, and those that are named, which may be empty.

    What records a package is no reason to keep it, but for metadata of Python that the closure keeps by itself: a
    program may ask for a version only.
    """
    content = (inventory.state == State.LIVE) & (inventory.column("kind") != Kind.DIRECTORY)
    losing = set(np.unique(inventory.owner[content & going]).tolist()) | named
    records = [
        inventory.live.get(path, -1)
        for position in losing
        if position in named or inventory.owners[position].system not in _OF_PYTHON
        for path in inventory.owners[position].database
    ]
    content[[row for row in records if row >= 0]] = False
    staying = set(np.unique(inventory.owner[content & keep]).tolist())
    return {row for row in losing - staying if inventory.owners[row].system not in _UNPACKAGED}


def _owned_by(inventory: Inventory, chosen: Callable[[Owner], bool]) -> NDArray[np.bool_]:
    return np.array([chosen(owner) for owner in inventory.owners], dtype=bool)[inventory.owner]


def _packages(
    inventory: Inventory, risk: Risk, whole: set[int], rows: NDArray[np.bool_], title: str, python: bool
) -> Finding | None:
    owners = tuple(sorted(it for it in whole if (inventory.owners[it].system in _OF_PYTHON) is python))
    if not owners:
        return None
    reason = _DISTRIBUTION if python else _PACKAGE
    return _finding(inventory, risk, Action.PACKAGE, rows, title, reason, owners)


def _files(inventory: Inventory, risk: Risk, rows: NDArray[np.bool_], reason: str, title: str) -> Finding | None:
    return _finding(inventory, risk, Action.DROP, rows, title, reason, ()) if rows.any() else None


def _finding(
    inventory: Inventory,
    risk: Risk,
    action: Action,
    rows: NDArray[np.bool_],
    title: str,
    reason: str,
    owners: tuple[int, ...],
) -> Finding:
    return Finding(
        rule=UNUSED,
        title=title,
        risk=risk,
        action=action,
        rows=np.flatnonzero(rows),
        disk_bytes=int(inventory.column("size")[rows].sum()),
        compressed_bytes=int(inventory.column("compressed")[rows].sum()),
        shares=(),
        fix=_FIX,
        reason=reason,
        owners=owners,
        decided=action is Action.PACKAGE,
    )


def _sparing(inventory: Inventory, findings: Sequence[Finding], used: NDArray[np.int64]) -> list[Finding]:
    """Removals without rows that were used, and without packages that have one: whatever a rule says, it is needed."""
    owners = set(np.unique(inventory.owner[used]).tolist())
    left = []
    for finding in findings:
        if finding.action is Action.PACKAGE:
            staying = tuple(owner for owner in finding.owners if owner not in owners)
            finding = replace(finding, owners=staying) if staying != finding.owners else finding
        elif finding.action is Action.DROP and np.isin(finding.rows, used).any():
            finding = replace(finding, rows=np.setdiff1d(finding.rows, used))
        left.append(finding)
    return left
