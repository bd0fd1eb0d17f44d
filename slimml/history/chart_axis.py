"""The time axis of a chart: nights stand at their dates, runs that were made in one go beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from slimml.history.chart_words import drawable, short_commit
from slimml.history.trends import Point, Trend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DAY = 86_400.0
_FEWEST_DAYS = 3
"""a series that took less is one of commits, not of nights"""
_MOST_A_DAY = 3.0
_MOST_TICKS = 16
_EDGE = 0.03


@dataclass(frozen=True)
class Axis:
    """Where points stand. `spots` are by result, days since 1970 or, `by_commit`, the place in the series."""

    spots: Mapping[str, float]
    commits: tuple[str, ...]
    by_commit: bool

    def place(self, point: Point) -> float:
        """Where the point stands."""
        return self.spots[point.result]

    @property
    def ends(self) -> tuple[float, float]:
        """The ends of the axis, with some room."""
        low, high = min(self.spots.values()), max(self.spots.values())
        room = max((high - low) * _EDGE, 0.5 if self.by_commit or high == low else 0.1)
        return low - room, high + room

    def share(self, spot: float) -> float:
        """How far to the right, from 0 to 1."""
        low, high = self.ends
        return (spot - low) / (high - low)

    def mark(self, pane: Axes) -> None:
        """Set the ends and the ticks: dates, or the commits of runs."""
        pane.set_xlim(*self.ends)
        if self.by_commit:
            every = -(-len(self.commits) // _MOST_TICKS)
            places = list(range(0, len(self.commits), every))
            pane.set_xticks(places, [drawable(short_commit(self.commits[place])) for place in places], parse_math=False)
            if len(places) > 6:
                pane.tick_params(axis="x", labelrotation=30, labelsize=7.5)
                for label in pane.get_xticklabels():
                    label.set_horizontalalignment("right")
            return
        dates: Any = import_module("matplotlib.dates")  # it has no types
        locator = dates.AutoDateLocator(minticks=4, maxticks=9)
        pane.xaxis.set_major_locator(locator)
        pane.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))


def axis_of(trends: Sequence[Trend]) -> Axis:
    """The axis of all points of these trends."""
    points = {point.result: point for trend in trends for point in trend.points}
    ordered = sorted(points.values(), key=lambda point: point.began)
    times = [_seconds(point.began) for point in ordered]
    days = (times[-1] - times[0]) / _DAY
    by_commit = days < _FEWEST_DAYS or len(ordered) / max(days, 1.0) > _MOST_A_DAY
    spots = range(len(ordered)) if by_commit else [time / _DAY for time in times]
    return Axis(
        {point.result: float(spot) for point, spot in zip(ordered, spots, strict=True)},
        tuple(point.commit for point in ordered),
        by_commit,
    )


def _seconds(began: str) -> float:
    """RFC 3339 as seconds since 1970."""
    return datetime.fromisoformat(began).timestamp()
