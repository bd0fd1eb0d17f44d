"""What a person marked for removal in the explorer, as findings that a plan takes; what is refused, and why.

Paths and packages go by the rule `marked`, whose risk is `ask`: nobody but the person says that they are not needed.
Marked rules stand for all findings that they have. What no finding may drop (slimml.bloat.protected) no mark does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Action, Finding, Risk
from slimml.bloat.packages import needed_by, removable_packages, rows_of
from slimml.bloat.path_facts import path_facts
from slimml.bloat.protected import protection
from slimml.bloat.rules import MARKED
from slimml.inventory.owner import System
from slimml.inventory.table import State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

_NO_PACKAGE = frozenset({System.APPLICATION, System.UNKNOWN})
_GLOB = re.compile(r"([*?\[])")
_REASON = "marked by hand in slimml explore"
_FIX = "leave it out of the build"
_NAMED = 3


@dataclass(frozen=True)
class Marks:
    """`paths` (relative to the root, a directory with all beneath it), `packages` (positions of owners) and `rules` are
    to go; `keep` are paths that stay whatever is marked around them.
    """

    paths: frozenset[str] = frozenset()
    packages: frozenset[int] = frozenset()
    rules: frozenset[str] = frozenset()
    keep: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.paths or self.packages or self.rules)

    @property
    def globs(self) -> tuple[str, ...]:
        """What `keep` is as `--keep` takes it."""
        return tuple(glob_of(path) for path in sorted(self.keep))


@dataclass(frozen=True)
class Refusal:
    """Something marked that stays: `what` it is, how many entries and bytes on disk, and why."""

    what: str
    reason: str
    entries: int
    disk_bytes: int


@dataclass(frozen=True)
class Marked:
    """`findings` are what a plan is made of; `rows` what they are about, protected ones left out."""

    findings: tuple[Finding, ...]
    refused: tuple[Refusal, ...]
    rows: NDArray[np.bool_]


def glob_of(path: str) -> str:
    """A path relative to the root as a glob that means this path and nothing else."""
    return "/" + _GLOB.sub(r"[\1]", path)


def marked_findings(inventory: Inventory, findings: Iterable[Finding], marks: Marks) -> Marked:
    """The marks of an image with these `findings`, as findings."""
    refused: list[Refusal] = []
    chosen = [*_of_rules(findings, marks, refused)]
    chosen += _of_paths(inventory, marks, refused)
    chosen += _of_packages(inventory, marks, refused)
    rows = np.zeros(inventory.table.num_rows, dtype=bool)
    for finding in chosen:
        rows[finding.rows] = True
    rows[rows_at(inventory, marks.keep)] = False
    return Marked(tuple(chosen), tuple(refused), rows)


def rows_at(inventory: Inventory, paths: Iterable[str]) -> NDArray[np.bool_]:
    """Rows of these paths and of everything beneath them, but for whiteouts."""
    facts = path_facts(inventory)
    paths = set(paths)
    keys = []
    for path in paths:
        parent, _, name = path.rpartition("/")
        at, number = facts.position(parent), facts.name_numbers.get(name)
        if at is not None and number is not None:
            keys.append(at * len(facts.names) + number)
    named = np.isin(facts.directory * len(facts.names) + facts.name, keys)
    return np.asarray((named | facts.beneath(*paths)) & (inventory.state != State.MARKER), dtype=bool)


def _of_rules(findings: Iterable[Finding], marks: Marks, refused: list[Refusal]) -> Iterator[Finding]:
    for finding in findings:
        if finding.rule not in marks.rules:
            continue
        if finding.action is Action.TELL:
            reason = f"slimml only tells of it; {finding.fix}"
            refused.append(Refusal(finding.rule, reason, len(finding.rows), finding.disk_bytes))
        else:
            yield finding


def _of_paths(inventory: Inventory, marks: Marks, refused: list[Refusal]) -> list[Finding]:
    rows = rows_at(inventory, marks.paths) & ~rows_at(inventory, marks.keep)
    if not rows.any():
        return []
    paths, size = inventory.paths, inventory.column("size")
    for reason, mask in protection(inventory).items():
        stays = np.flatnonzero(rows & mask)
        if stays.size:
            first = paths[int(stays[np.argmax(size[stays])])]
            what = f"/{first}" + (f" and {len(stays) - 1:,} more" if len(stays) > 1 else "")
            refused.append(Refusal(what, reason, len(stays), int(size[stays].sum())))
            rows[stays] = False
    return [_finding(inventory, Action.DROP, np.flatnonzero(rows), "Paths marked by hand", ())]


def _of_packages(inventory: Inventory, marks: Marks, refused: list[Refusal]) -> list[Finding]:
    owners = inventory.owners
    wanted = {id(owners[position]) for position in marks.packages if owners[position].system not in _NO_PACKAGE}
    going = removable_packages(inventory, lambda owner: id(owner) in wanted) if wanted else set()
    going = {position for position in going if owners[position].system is not System.RPM}
    for position in sorted(marks.packages - going):
        rows = rows_of(inventory, {position})
        reason = _staying(inventory, position, marks.packages, going)
        size = int(inventory.column("size")[rows].sum())
        refused.append(Refusal(owners[position].label, reason, len(rows), size))
    if not going:
        return []
    chosen = tuple(sorted(going))
    return [_finding(inventory, Action.PACKAGE, rows_of(inventory, going), "Packages marked by hand", chosen)]


def _staying(inventory: Inventory, position: int, marked: frozenset[int], going: set[int]) -> str:
    """Why a marked package does not go."""
    owner = inventory.owners[position]
    if owner.system in _NO_PACKAGE:
        return "it is no package; mark its paths"
    if owner.essential:
        return f"{owner.system.value} marks it as essential"
    if owner.system is System.RPM:
        return "slimml does not edit rpm's database"
    needing = needed_by(inventory, position, going) or needed_by(inventory, position, marked)
    return f"needed by {listed(inventory, needing)}" if needing else "something that stays needs it"


def listed(inventory: Inventory, owners: Iterable[int]) -> str:
    """Some owners (positions) by their labels, the largest families cut: `a, b, c and 9 more`."""
    labels = sorted(inventory.owners[position].label for position in owners)
    more = f" and {len(labels) - _NAMED:,} more" if len(labels) > _NAMED else ""
    return ", ".join(labels[:_NAMED]) + more


def _finding(
    inventory: Inventory, action: Action, rows: NDArray[np.int64], title: str, owners: Sequence[int]
) -> Finding:
    return Finding(
        rule=MARKED,
        title=title,
        risk=Risk.ASK,
        action=action,
        rows=rows,
        disk_bytes=int(inventory.column("size")[rows].sum()),
        compressed_bytes=int(inventory.column("compressed")[rows].sum()),
        shares=(),
        fix=_FIX,
        reason=_REASON,
        owners=tuple(owners),
    )
