"""Budgets as charts of trends draw them: those that say how much may be at most, in bytes or seconds."""

from __future__ import annotations

from collections.abc import Iterable

from slimml.gates.budget import COLD_START, COMPRESSED, PULL, SIZE, Bound, Budget

_METRICS = {SIZE: "size/disk_bytes", COMPRESSED: "size/compressed_bytes", COLD_START: "start/[de]*/seconds"}
"""dropped and evicted page caches, not warm ones"""


def drawn_budgets(budgets: Iterable[Budget]) -> dict[str, float]:
    """The amounts by pattern of metrics; of several for one pattern the least."""
    found: dict[str, float] = {}
    for budget in budgets:
        pattern = (
            f"pull/{budget.link or '*'}/seconds" if budget.metric.name == PULL else _METRICS.get(budget.metric.name)
        )
        if pattern is not None and budget.bound is Bound.MOST and not budget.amount.relative:
            found[pattern] = min(budget.amount.value, found.get(pattern, budget.amount.value))
    return found
