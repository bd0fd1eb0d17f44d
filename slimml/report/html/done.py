"""What an optimize run did, for the page: both images measured, the proof, and the ledger entry by entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slimml.bloat.finding import Risk
from slimml.errors import Refused
from slimml.oci.tar.events import Kind
from slimml.report.build_analysis import is_file
from slimml.report.html.shown import shown
from slimml.report.optimized import OptimizedReport, Side
from slimml.report.plan import PlanReport, PlanStep
from slimml.report.receipt import ReceiptReport
from slimml.slim.ledger import Done, Ledger, LedgerEntry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory
    from slimml.slim.ledger import Side as LedgerSide

DONE = (Done.DROPPED, Done.LINKED, Done.EDITED, Done.REPLACED)
"""the page writes a position in it, from 1"""


@dataclass(frozen=True)
class DonePart:
    """Columns with an element for each entry of the ledger: the row of the inventory, what was done, why (a position
    in the head's `reasons`), and the bytes of its content afterwards.
    """

    numbers: Mapping[str, NDArray[Any]]
    head: Mapping[str, Any]


def done_part(
    inventory: Inventory, report: OptimizedReport, plan: PlanReport, entries: Iterable[LedgerEntry]
) -> DonePart:
    """The part of the page on a run; an entry that is none of the inventory's rows is left out."""
    rows = _rows(inventory)
    reasons: dict[tuple[str, str, str], int] = {}
    found: list[tuple[int, int, int, int]] = []
    for entry in entries:
        row = rows.get((entry.layer, entry.path, entry.kind))
        if row is None:
            continue
        why = reasons.setdefault((entry.rule, entry.risk, entry.reason), len(reasons))
        found.append((row, DONE.index(entry.done) + 1, why, _left(entry)))
    columns = np.array(found, np.int64).reshape(-1, 4)
    return DonePart(
        numbers={name: columns[:, place] for place, name in enumerate(("done_row", "done", "done_why", "done_after"))},
        head={
            "report": shown(report),
            "steps": shown(plan.steps),
            "kept": shown(plan.kept),
            "notes": shown(plan.notes),
            "reasons": [dict(zip(("rule", "risk", "reason"), shown(why), strict=True)) for why in reasons],
        },
    )


def done_of_ledger(inventory: Inventory, ledger: Ledger, place: str) -> DonePart:
    """The same of a ledger that was kept, at `place`; it does not say whether the image was ever run.

    Raises Refused for the ledger of another image.
    """
    if ledger.source.diff_ids != inventory.image.config.diff_ids:
        raise Refused(f"{place} is the ledger of another image than {inventory.image.reference}")
    steps = _steps(inventory, ledger.entries)
    report = OptimizedReport(
        image=str(inventory.image.reference),
        result=ReceiptReport("", "", 0, 0),
        before=_side(ledger.source, int(is_file(inventory).sum())),
        after=_side(ledger.result, int(is_file(inventory).sum()) - sum(step.dropped for step in steps)),
        plain=False,
        ledger=place,
        ledger_digest="",
        removed=ledger.removed,
        verified=False,
        verification="the ledger does not say whether the new image was run",
        proof=None,
    )
    disk, compressed = sum(step.disk_bytes for step in steps), sum(step.compressed_bytes for step in steps)
    plan = PlanReport(
        image=report.image,
        destination="",
        level="",
        image_disk_bytes=inventory.disk_bytes,
        image_compressed_bytes=inventory.compressed_bytes,
        steps=steps,
        disk_bytes=disk,
        compressed_bytes=compressed,
        notes=ledger.notes,
        dangling=ledger.dangling,
        kept=(),
    )
    return done_part(inventory, report, plan, ledger.entries)


def _side(side: LedgerSide, files: int) -> Side:
    return Side(side.disk_bytes, side.compressed_bytes, 0, len(side.layers), files)


def _steps(inventory: Inventory, entries: Iterable[LedgerEntry]) -> tuple[PlanStep, ...]:
    """What each rule did, the one that took most first."""
    rows, compressed = _rows(inventory), inventory.column("compressed")
    by_rule: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        by_rule.setdefault(entry.rule, []).append(entry)
    found = []
    for rule, own in by_rule.items():
        counts = Counter(entry.done for entry in own if entry.kind not in ("directory", "whiteout", "opaque"))
        gone = [rows.get((it.layer, it.path, it.kind)) for it in own if it.done in (Done.DROPPED, Done.LINKED)]
        found.append(
            PlanStep(
                rule=rule,
                risk=Risk(own[0].risk),
                reason=own[0].reason,
                dropped=counts[Done.DROPPED],
                linked=counts[Done.LINKED],
                edited=counts[Done.EDITED],
                disk_bytes=sum(entry.size - _left(entry) for entry in own),
                compressed_bytes=int(sum(compressed[row] for row in gone if row is not None)),
                replaced=counts[Done.REPLACED],
            )
        )
    return tuple(sorted(found, key=lambda step: (-step.disk_bytes, step.rule)))


def _left(entry: LedgerEntry) -> int:
    """The bytes of an entry's content afterwards."""
    if entry.done in (Done.DROPPED, Done.LINKED):
        return 0
    return entry.size if entry.after_size is None else entry.after_size


def _rows(inventory: Inventory) -> dict[tuple[int, str, str], int]:
    """Each row by what the ledger calls it; of a path that a layer's tar holds twice the last counts."""
    names = {int(kind): kind.name.lower() for kind in Kind}
    kinds, layers = inventory.column("kind").tolist(), inventory.layer.tolist()
    return {
        (layer, path, names[kind]): row
        for row, (layer, path, kind) in enumerate(zip(layers, inventory.paths, kinds, strict=True))
    }
