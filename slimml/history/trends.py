"""Trends: what a store's results say of each figure over time, and where it changed. Hosts are never mixed in one line.

Figures of the image itself are exact: whatever goes beyond a budget is told at once. Times, processor time and memory
are measured: a change is a step of their level (`history.steps`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from slimml.history.metrics import Metric, Nature, chosen, metric
from slimml.history.result import Estimate, Result, Value, middle
from slimml.history.steps import FEWEST, Step, find_steps

TOLERANCE = 0.01
"""what exact figures may change by, as a share of what they were, before it is told"""
_UNTOLD_BYTES = 65_536
"""and in bytes: builds differ by times and names"""
_FACTS = {"kernel": "kernel", "system": "system", "engine": "engine", "runtime": "runtime", "governor": "governor"}


@dataclass(frozen=True, order=True)
class Line:
    """What has to be equal for results to be compared: one line of a chart."""

    image: str
    host: str
    engine: str
    suite: str


@dataclass(frozen=True)
class Point:
    """One result's figure, in the unit of its metric; `low` and `high` are the ends of its 95 % interval, if any."""

    began: str
    commit: str
    digest: str | None
    value: float
    low: float | None
    high: float | None
    result: str


@dataclass(frozen=True)
class Change:
    """A figure went from one level to another. `at` is the position of the first point of the new one.

    `commits` are those of the last point that surely has the old level and of the first that surely has the new: what
    did it came after the first and not after the second. "" is a commit that nobody told. `share` is how much more it
    became, None from nothing. `crept` says that no single step was beyond the budget, their sum is. `besides` are other
    things that changed meanwhile, in words.
    """

    at: int
    began: str
    before: float
    after: float
    commits: tuple[str, str]
    worse: bool
    gates: bool
    crept: bool
    besides: tuple[str, ...]

    @property
    def share(self) -> float | None:
        """The change as a share of what was before; None from nothing."""
        return self.after / self.before - 1 if self.before else None


@dataclass(frozen=True)
class Level:
    """Points from `begin` to before `end` around `value`; where that is sure to 95 % lies between `low` and `high`."""

    begin: int
    end: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Trend:
    """One figure of one line. `points` are from the oldest; `levels` cover them all. `noise` is the deviation of the
    points from their level as a share, None of exact figures and of series too short to say.
    """

    line: Line
    metric: Metric
    points: tuple[Point, ...]
    changes: tuple[Change, ...]
    levels: tuple[Level, ...]
    noise: float | None

    @property
    def too_short(self) -> bool:
        """Whether there are too few points to speak of changes at all."""
        return self.metric.nature is not Nature.EXACT and len(self.points) < FEWEST

    def recent(self, nights: int) -> tuple[Change, ...]:
        """The changes whose new level began within the last so many points."""
        return tuple(change for change in self.changes if change.at >= len(self.points) - nights)


def trends(results: Iterable[Result], patterns: Sequence[str] = (), *, tolerance: float = TOLERANCE) -> list[Trend]:
    """A trend for each line and metric, lines in their order, exact metrics first.

    `patterns` choose metrics (`pull/*/seconds`); `tolerance` is what exact figures may change by, as a share. Raises
    Unsupported where steps are to be looked for and ruptures is missing.
    """
    lines: dict[Line, dict[str, list[tuple[Result, Value]]]] = {}
    for one in sorted(results, key=lambda one: one.began):
        own = lines.setdefault(Line(one.image, one.host, one.engine, one.suite), {})
        for name, value in one.metrics.items():
            own.setdefault(name, []).append((one, value))
    found = []
    for line, series in sorted(lines.items()):
        known = [metric(name) for name in chosen(list(series), list(patterns))]
        order = list(Nature)
        for each in sorted(known, key=lambda known: (order.index(known.nature), known.name)):
            found.append(_trend(line, each, series[each.name], tolerance))
    return found


def _trend(line: Line, known: Metric, series: Sequence[tuple[Result, Value]], tolerance: float) -> Trend:
    points = tuple(_point(result, value) for result, value in series)
    results = [result for result, _ in series]
    noise = None
    if known.nature is Nature.EXACT:
        changes = _exact(known, points, results, tolerance)
    elif min(point.value for point in points) <= 0:
        changes = []
    else:
        steps = find_steps([point.value for point in points])
        noise = steps.noise
        changes = [_measured(known, step, points, results) for step in steps.steps]
    edges = [0, *(change.at for change in changes), len(points)]
    levels = tuple(_level(points, begin, end, noise) for begin, end in pairwise(edges))
    return Trend(line, known, points, tuple(changes), levels, noise)


def _point(result: Result, value: Value) -> Point:
    low, high = (value.low, value.high) if isinstance(value, Estimate) and value.rounds > 1 else (None, None)
    return Point(result.began, result.commit, result.digest, middle(value), low, high, result.id)


def _exact(known: Metric, points: Sequence[Point], results: Sequence[Result], tolerance: float) -> list[Change]:
    """Every change beyond the budget, against the level told last, so that small ones add up."""
    found: list[Change] = []
    level, since = points[0].value, 0
    for at in range(1, len(points)):
        value, last = points[at].value, points[at - 1].value
        if not _beyond(known, level, value, tolerance):
            continue
        crept = not _beyond(known, last, value, tolerance)
        old = since if crept else at - 1
        found.append(_change(known, points, results, at, (old, at), (level, value), crept=crept))
        level, since = value, at
    return found


def _beyond(known: Metric, before: float, after: float, tolerance: float) -> bool:
    change = abs(after - before)
    return change > tolerance * abs(before) and (known.unit != "bytes" or change > _UNTOLD_BYTES)


def _measured(known: Metric, step: Step, points: Sequence[Point], results: Sequence[Result]) -> Change:
    return _change(known, points, results, step.at, (step.first - 1, step.last), (step.before, step.after), crept=False)


def _change(
    known: Metric,
    points: Sequence[Point],
    results: Sequence[Result],
    at: int,
    between: tuple[int, int],
    levels: tuple[float, float],
    *,
    crept: bool,
) -> Change:
    old, new = between
    return Change(
        at=at,
        began=points[at].began,
        before=levels[0],
        after=levels[1],
        commits=(points[old].commit, points[new].commit),
        worse=(levels[1] > levels[0]) != known.more_is_better,
        gates=known.gates,
        crept=crept,
        besides=tuple(_besides(results[old], results[new])),
    )


def _besides(old: Result, new: Result) -> Iterable[str]:
    """What else was not the same before and after, which no commit of the image explains."""
    if old.commit and old.commit == new.commit:
        yield "the commit is the same"
    if old.slimml != new.slimml:
        yield f"slimml {old.slimml} → {new.slimml}"
    for name, words in _FACTS.items():
        before, after = old.facts.get(name, ""), new.facts.get(name, "")
        if before and after and before != after:
            yield f"{words} {before} → {after}"


def _level(points: Sequence[Point], begin: int, end: int, noise: float | None) -> Level:
    """The median, with the interval of a median of so many values whose noise is known (Kendall and Stuart, 10.10)."""
    values = sorted(point.value for point in points[begin:end])
    half = len(values) // 2
    value = values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
    if noise is None:
        return Level(begin, end, value, values[0], values[-1])
    reach = 1.96 * 1.2533 * noise / len(values) ** 0.5
    return Level(begin, end, value, value * (1 - reach), value * (1 + reach))
