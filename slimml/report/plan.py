"""What `optimize` is about to do, as a table that a person says yes to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from rich.text import Text

from slimml.bloat.finding import Risk
from slimml.report.proof import KeptReport, kept_report
from slimml.report.sizes import counted, number, share, size
from slimml.report.terminal import RISK_STYLE, heading, indented, plain_table
from slimml.report.untrusted import visible
from slimml.slim.plan import Plan, Verb, Why
from slimml.slim.replacing.taking import saved_bytes

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.inventory.table import Inventory

_CHANGES = {Verb.DROP: "drop", Verb.LINK: "link", Verb.EDIT: "edit", Verb.REPLACE: "replace"}
_SHOWN_NOTES = 8


@dataclass(frozen=True)
class PlanStep:
    """What one rule changes: entries dropped, linked to an identical file, edited, or replaced by a smaller file; bytes
    expected to go.
    """

    rule: str
    risk: Risk
    reason: str
    dropped: int
    linked: int
    edited: int
    disk_bytes: int
    compressed_bytes: int
    replaced: int = 0


@dataclass(frozen=True)
class PlanReport:
    """`disk_bytes` and `compressed_bytes` are expected to go of the image's; measured numbers come afterwards.

    `kept` is what mending put back, nothing before the image was run.
    """

    image: str
    destination: str
    level: str
    image_disk_bytes: int
    image_compressed_bytes: int
    steps: tuple[PlanStep, ...]
    disk_bytes: int
    compressed_bytes: int
    notes: tuple[str, ...]
    dangling: tuple[str, ...]
    kept: tuple[KeptReport, ...]


def plan_report(plan: Plan, inventory: Inventory, destination: str) -> PlanReport:
    """The plan by rule, the rule that saves most first."""
    alike: dict[Why, list[int]] = {}
    for position, why in enumerate(plan.reasons):
        alike.setdefault(replace(why, subject=""), []).append(position)
    steps = [_step(plan, inventory, why, positions) for why, positions in alike.items()]
    used = [step for step in steps if step.dropped or step.linked or step.edited or step.replaced]
    return PlanReport(
        image=str(inventory.image.reference),
        destination=destination,
        level=plan.options.level.value,
        image_disk_bytes=inventory.disk_bytes,
        image_compressed_bytes=inventory.compressed_bytes,
        steps=tuple(sorted(used, key=lambda step: (-step.disk_bytes, step.rule))),
        disk_bytes=plan.disk_bytes,
        compressed_bytes=plan.compressed_bytes,
        notes=plan.notes,
        dangling=plan.dangling,
        kept=tuple(kept_report(item) for item in plan.kept),
    )


def _step(plan: Plan, inventory: Inventory, why: Why, positions: list[int]) -> PlanStep:
    """What goes for one reason, whoever it is said of."""
    rows = np.flatnonzero(np.isin(plan.why, positions))
    named = sum(bool(plan.reasons[position].subject) for position in positions)
    counts = {verb: int(np.count_nonzero(plan.verb[rows] == verb)) for verb in _CHANGES}
    going = rows[np.isin(plan.verb[rows], (Verb.DROP, Verb.LINK))]
    chosen = np.zeros_like(plan.verb)
    chosen[rows] = plan.verb[rows]
    less, less_compressed = saved_bytes(inventory, chosen, plan.offers)
    return PlanStep(
        rule=why.rule,
        risk=why.risk,
        reason=f"{why.reason} ({number(named)} of them)" if named > 1 else why.reason,
        dropped=counts[Verb.DROP],
        linked=counts[Verb.LINK],
        edited=counts[Verb.EDIT],
        disk_bytes=int(inventory.column("size")[going].sum()) + less,
        compressed_bytes=int(inventory.column("compressed")[going].sum()) + less_compressed,
        replaced=counts[Verb.REPLACE],
    )


def render_plan(report: PlanReport, console: Console) -> None:
    """Print the plan: a line per rule, the sum, where the result goes, what to know."""
    heading(console, f"Plan for {visible(report.image)} at level {report.level}")
    table = plain_table(">disk", ">compressed", ">entries", "risk", "rule and reason")
    for step in report.steps:
        entries = number(step.dropped + step.linked + step.edited + step.replaced)
        body = Text(step.rule).append(f": {visible(step.reason)}", style="dim")
        risk = Text(step.risk.value, style=RISK_STYLE[step.risk])
        table.add_row(size(step.disk_bytes), size(step.compressed_bytes), entries, risk, body)
    if report.steps:
        console.print(indented(table))
    else:
        console.print(indented("nothing to remove"))
    disk, compressed = report.image_disk_bytes, report.image_compressed_bytes
    console.print(
        indented(
            f"expected to go: {size(report.disk_bytes)} of {size(disk)} on disk ({share(report.disk_bytes, disk)}), "
            f"about {size(report.compressed_bytes)} of {size(compressed)} compressed "
            f"({share(report.compressed_bytes, compressed)})"
        )
    )
    console.print(indented(f"result: {visible(report.destination)}"))
    for note in report.notes[:_SHOWN_NOTES]:
        console.print(indented(f"note: {visible(note)}"))
    if len(report.notes) > _SHOWN_NOTES:
        console.print(indented(f"and {counted(len(report.notes) - _SHOWN_NOTES, 'more note')} (--json has them all)"))
    if report.dangling:
        console.print(indented(f"{counted(len(report.dangling), 'symlink')} will lead nowhere and stay"))
