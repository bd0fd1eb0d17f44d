"""How a figure went over time, for the page: medians with their intervals, and where they changed for good."""

from __future__ import annotations

from dataclasses import dataclass


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
    """One image on one kind of host. `unit` is `bytes`, `seconds` or "" (a count); `budget` is in that unit."""

    title: str
    unit: str
    points: tuple[TrendPoint, ...]
    changes: tuple[TrendChange, ...] = ()
    budget: float | None = None
