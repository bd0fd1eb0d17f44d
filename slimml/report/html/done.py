"""What an optimize run did, for the page: both images measured, the proof, and the ledger entry by entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slimml.oci.tar.events import Kind
from slimml.report.html.shown import shown
from slimml.slim.ledger import Done, LedgerEntry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory
    from slimml.report.optimized import OptimizedReport
    from slimml.report.plan import PlanReport

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
        stays = 0 if entry.done in (Done.DROPPED, Done.LINKED) else entry.size
        after = entry.after_size if entry.after_size is not None else stays
        found.append((row, DONE.index(entry.done) + 1, why, after))
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


def _rows(inventory: Inventory) -> dict[tuple[int, str, str], int]:
    """Each row by what the ledger calls it; of a path that a layer's tar holds twice the last counts."""
    names = {int(kind): kind.name.lower() for kind in Kind}
    kinds, layers = inventory.column("kind").tolist(), inventory.layer.tolist()
    return {
        (layer, path, names[kind]): row
        for row, (layer, path, kind) in enumerate(zip(layers, inventory.paths, kinds, strict=True))
    }
