"""How a figure went over time, for the page: medians with their intervals, and where they changed for good."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from slimml.report.sizes import number, size

if TYPE_CHECKING:
    from slimml.history.trends import Change, Point, Trend

_COMMIT = 10


@dataclass(frozen=True)
class TrendPoint:
    """One result: `when` in words (RFC 3339), the median with its interval, and what was measured (a commit, say)."""

    when: str
    value: float
    low: float
    high: float
    label: str = ""


@dataclass(frozen=True)
class TrendChange:
    """A step: `at` is the position of the first point after it, `words` say how large and where it came from."""

    at: int
    words: str


@dataclass(frozen=True)
class TrendLine:
    """One image on one kind of host. `unit` is `bytes`, `seconds`, `share` or `count`; `budget` is in that unit."""

    title: str
    unit: str
    points: tuple[TrendPoint, ...]
    changes: tuple[TrendChange, ...] = ()
    budget: float | None = None


def trend_lines(found: Iterable[Trend], budgets: Mapping[str, float] | None = None) -> tuple[TrendLine, ...]:
    """Trends as `slimml.history.trends` tells them; `budgets` are by pattern of metrics, in their units."""
    return tuple(
        TrendLine(
            title=" · ".join(filter(None, (one.line.image, one.metric.name, one.line.host, one.line.engine))),
            unit=one.metric.unit,
            points=tuple(_point(point) for point in one.points),
            changes=tuple(TrendChange(change.at, _words(change, one.metric.unit)) for change in one.changes),
            budget=_budget(one, budgets or {}),
        )
        for one in found
    )


def _budget(one: Trend, budgets: Mapping[str, float]) -> float | None:
    """The least of those that speak of its metric."""
    return min((value for name, value in budgets.items() if fnmatchcase(one.metric.name, name)), default=None)


def _point(point: Point) -> TrendPoint:
    low = point.value if point.low is None else point.low
    high = point.value if point.high is None else point.high
    return TrendPoint(point.began, point.value, low, high, point.commit[:_COMMIT])


def _words(change: Change, unit: str) -> str:
    old, new = (commit[:_COMMIT] or "an unknown commit" for commit in change.commits)
    more = "" if change.share is None else f" ({change.share:+.1%})"
    besides = f"; besides: {', '.join(change.besides)}" if change.besides else ""
    crept = ", little by little" if change.crept else ""
    levels = f"{_amount(change.before, unit)} became {_amount(change.after, unit)}{more}{crept}"
    return f"{change.began[:10]}: {levels}, after {old} and not after {new}{besides}"


def _amount(value: float, unit: str) -> str:
    if unit == "bytes":
        return size(round(value))
    if unit == "seconds":
        return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"
    return f"{value:.1%}" if unit == "share" else number(round(value))
