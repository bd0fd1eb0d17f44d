"""Holds budgets against an image, and against the base that it may grow from: pass, warn or fail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from slimml.gates.amount import Amount, Unit
from slimml.gates.bench_times import Estimate
from slimml.gates.budget import Bound, Budget, Metric, Place, Severity
from slimml.gates.measure import Reading, Subject, Unread, read_metric


class Status(StrEnum):
    """What became of a budget, and of all together."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    UNCHECKED = "unchecked"
    """nothing was there to hold it against"""


@dataclass(frozen=True)
class Outcome:
    """One budget. `after` is the image's number, `before` the base's, `allowed` the bound, each in `unit`, None where
    it is not known. `interval` is that of a time which was measured more than once. `amount` is what the budget says;
    `why` what a reader should know, "" where nothing.
    """

    name: str
    title: str
    unit: Unit
    bound: Bound
    severity: Severity
    status: Status
    after: float | None
    before: float | None
    allowed: float | None
    interval: tuple[float, float] | None
    amount: Amount
    why: str
    place: Place


@dataclass(frozen=True)
class Verdict:
    """All budgets. `status` is FAIL when one failed, else WARN when one warned, else PASS; where `strict`, what warned
    or could not be checked has failed, too."""

    status: Status
    strict: bool
    outcomes: tuple[Outcome, ...]

    def of(self, status: Status) -> tuple[Outcome, ...]:
        """The outcomes with this status."""
        return tuple(one for one in self.outcomes if one.status is status)


@dataclass(frozen=True)
class _Judged:
    status: Status
    allowed: float | None
    why: str


def check(
    budgets: Sequence[Budget], image: Subject, against: Subject | None = None, *, strict: bool = False
) -> Verdict:
    """Hold every budget against `image`; those of growth against `against`, too."""
    outcomes = tuple(_outcome(budget, image, against) for budget in budgets)
    there = {one.status for one in outcomes}
    status = Status.FAIL if Status.FAIL in there else Status.WARN if Status.WARN in there else Status.PASS
    if strict and there & {Status.WARN, Status.UNCHECKED}:
        status = Status.FAIL
    return Verdict(status, strict, outcomes)


def _outcome(budget: Budget, image: Subject, against: Subject | None) -> Outcome:
    after = read_metric(budget.metric, image, budget.link)
    before: Reading | Unread = Unread("no base was given; --against takes one")
    if against is not None:
        # Times are comparable in one setting only: the base is asked for the image's.
        link = after.timed.setting.link if isinstance(after, Reading) and after.timed else budget.link
        before = read_metric(budget.metric, against, link)
    judged = _judged(budget, image, after, before)
    interval = after.interval if isinstance(after, Reading) else None
    return Outcome(
        name=budget.metric.name,
        title=budget.metric.title,
        unit=budget.metric.unit,
        bound=budget.bound,
        severity=budget.severity,
        status=judged.status,
        after=_finite(after),
        interval=(interval.low, interval.high) if interval else None,
        before=_finite(before),
        allowed=judged.allowed,
        amount=budget.amount,
        why=judged.why,
        place=budget.place,
    )


def _finite(found: Reading | Unread) -> float | None:
    return found.value if isinstance(found, Reading) and math.isfinite(found.value) else None


def _judged(budget: Budget, image: Subject, after: Reading | Unread, before: Reading | Unread) -> _Judged:
    if isinstance(after, Unread):
        return _Judged(Status(budget.severity.value) if after.broken else Status.UNCHECKED, None, after.reason)
    amount = budget.amount
    if budget.bound is not Bound.GROWTH:
        allowed = amount.value * image.inventory.disk_bytes if amount.relative else amount.value
        return _held(budget, after.value, after.interval, allowed, after.note)
    if isinstance(before, Unread):
        return _Judged(Status.UNCHECKED, None, before.reason)
    if after.timed and before.timed and after.timed.times is not before.timed.times:
        reason = "image and base were measured in two runs; slimml bench BASE IMAGE measures them side by side"
        return _Judged(Status.UNCHECKED, None, reason)
    allowed = before.value * (1 + amount.value) if amount.relative else before.value + amount.value
    pairs = _in_pairs(after, before)
    if pairs is None:
        return _held(budget, after.value, after.interval, allowed, after.note)
    ratio = f"{pairs.value:.2f} ({pairs.low:.2f}–{pairs.high:.2f}) times the base in pairs of rounds"
    scaled = Estimate(pairs.value * before.value, pairs.low * before.value, pairs.high * before.value, pairs.rounds)
    note = "; ".join(filter(None, (after.note, ratio)))
    return _held(budget, scaled.value, scaled if pairs.rounds > 1 else None, allowed, note)


def _in_pairs(after: Reading, before: Reading) -> Estimate | None:
    """The ratio that `bench` made of pairs of one round each, which a drift of the host touches least."""
    if after.timed is None or before.timed is None or before.timed.figures.image.position != 0:
        return None
    return after.timed.figures.ratio


def _held(budget: Budget, value: float, interval: Estimate | None, allowed: float, note: str) -> _Judged:
    """A time is over its budget when all of its interval is; over by its median alone it only warns."""
    if not _exceeds(budget.metric, value, allowed):
        return _Judged(Status.PASS, allowed, note)
    if interval is not None and not _exceeds(budget.metric, interval.low, allowed):
        doubt = "over, but the rounds vary by more than that"
        return _Judged(Status.WARN, allowed, "; ".join(filter(None, (note, doubt))))
    return _Judged(Status(budget.severity.value), allowed, note)


def _exceeds(metric: Metric, value: float, allowed: float) -> bool:
    return value < allowed if metric.better_high else value > allowed
