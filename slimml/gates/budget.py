"""Budgets as values: what is measured, how much of it is allowed, and what happens above that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from slimml.gates.amount import Amount, Unit


class Severity(StrEnum):
    """What exceeding a budget does."""

    WARN = "warn"
    FAIL = "fail"


class Bound(StrEnum):
    """How the amount of a budget is meant."""

    MOST = "most"
    LEAST = "least"
    GROWTH = "growth"
    """by how much it may be more than the base image's"""


@dataclass(frozen=True)
class Metric:
    """Something that is measured of an image. `better_high` is true where more is better.

    `share_of_size`: a most may be said as a share of the image's bytes on disk. `rule` is the finding that is meant.
    """

    name: str
    title: str
    unit: Unit
    better_high: bool = False
    share_of_size: bool = False
    rule: str = ""


@dataclass(frozen=True)
class Place:
    """Where a budget was written: a file as the user knows it, its line from 1, and the key."""

    file: str
    line: int
    key: str


@dataclass(frozen=True)
class Budget:
    """One condition. `link` chooses among the pulls that were measured, None takes the slowest."""

    metric: Metric
    bound: Bound
    amount: Amount
    severity: Severity
    place: Place
    link: str | None = None


SIZE, COMPRESSED, LAYERS, LARGEST_LAYER = "size", "compressed", "layers", "largest-layer"
PULL, COLD_START = "pull", "cold-start"
WASTE, EFFICIENCY, SECRETS, ROOT = "waste", "efficiency", "secrets", "root"
FINDINGS = "findings"

METRICS = {
    metric.name: metric
    for metric in (
        Metric(SIZE, "Size on disk", Unit.BYTES),
        Metric(COMPRESSED, "Compressed size", Unit.BYTES),
        Metric(LAYERS, "Layers", Unit.COUNT),
        Metric(LARGEST_LAYER, "Largest layer, compressed", Unit.BYTES),
        Metric(PULL, "Cold pull", Unit.SECONDS),
        Metric(COLD_START, "Cold start", Unit.SECONDS),
        Metric(WASTE, "Waste", Unit.BYTES, share_of_size=True),
        Metric(EFFICIENCY, "Efficiency, as dive counts", Unit.SHARE, better_high=True),
        Metric(SECRETS, "What looks like a secret", Unit.COUNT),
        Metric(ROOT, "Runs as root", Unit.FLAG),
    )
}
"""What a budget can be for, by its key under [budgets]; findings have a table of their own"""

DIVE_EFFICIENCY = Metric("dive.lowestEfficiency", "dive: lowest efficiency", Unit.SHARE, better_high=True)
DIVE_WASTED = Metric("dive.highestWastedBytes", "dive: highest wasted bytes", Unit.BYTES)
DIVE_USER_WASTED = Metric("dive.highestUserWastedPercent", "dive: highest user wasted per cent", Unit.SHARE)


def finding_metric(rule: str, *, presence: bool) -> Metric:
    """The findings of a rule or a risk: their bytes on disk, or, for `presence`, whether there are any."""
    unit = Unit.FLAG if presence else Unit.BYTES
    return Metric(f"{FINDINGS}.{rule}", f"Findings: {rule}", unit, share_of_size=not presence, rule=rule)
