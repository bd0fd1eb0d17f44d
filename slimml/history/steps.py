"""Steps in a series of medians: where its level changed for good. One bad night is no step.

Candidates come from PELT (Killick, Fearnhead and Eckley 2012, in `ruptures`) over logarithms, in units of the series'
own noise. Each then has to pass a t-test against the noise within the levels; the weakest goes first, and what is left
is judged again. Runs look at a growing series every night, so that the test's level is far below the usual one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from slimml.errors import Unsupported

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.floating[Any]]

FEWEST = 8
"""values below which nothing is said"""
SHORTEST = 3
"""values that a level has at least: a step is told with the third value behind it"""
SMALLEST = 0.03
"""a step below this share is not told, however sure it is"""

_PENALTY = 3.0
"""times ln n: low, since the test decides"""
_LEVEL = 1e-5
"""of the test, for each step; chosen with benchmarks/history"""
_QUIETEST = 0.003
"""noise is never believed to be below this share"""
_OUTLIER = 4.0
"""deviations from its neighbours at which a value is a bad night"""
_LIKELY = 3.84
"""what the sum of squares may be above the best for a place of the step to be possible: 95 % of chi2 with one degree"""
_HALF = 0.5
"""of a step between means that the medians have to take as well"""
_PART = 0.4
"""of a step that each night of the shortest level has to show"""
_MOST_ALIKE = 0.8
"""correlation of a night with the one before it that is believed at most"""
_MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True)
class Step:
    """A level ended and another began. `at` is the position of its first value; the true place is between `first` and
    `last` with about 95 %. `before` and `after` are the medians of both levels.
    """

    at: int
    first: int
    last: int
    before: float
    after: float


@dataclass(frozen=True)
class Steps:
    """What a series tells. `noise` is the deviation of its values from their level, as a share of it; None where there
    are fewer than FEWEST values."""

    steps: tuple[Step, ...]
    noise: float | None


def find_steps(values: Sequence[float]) -> Steps:
    """The steps of a series of medians, in their order; none where there are fewer than FEWEST values.

    Raises ValueError for a value that is not above zero, Unsupported without ruptures.
    """
    import numpy as np

    if len(values) < FEWEST:
        return Steps((), None)
    found = np.asarray(values, dtype=float)
    if not (found > 0).all():
        raise ValueError("a series of times or bytes has values above zero only")
    logs = np.log(found)
    noise = max(_noise(logs), _QUIETEST)
    cleaned = _without_bad_nights(logs, noise)
    edges = [0, *_candidates(cleaned / noise), len(logs)]
    deviation = _drop_weak(cleaned, edges)
    steps = [_step(found, cleaned, edges[place - 1 : place + 2], deviation) for place in range(1, len(edges) - 1)]
    told = tuple(step for step in steps if abs(step.after / step.before - 1) >= SMALLEST)
    return Steps(told, deviation)


def _noise(logs: Values) -> float:
    """Of neighbours' differences, which a step hardly moves: their median absolute deviation, as one of values."""
    import numpy as np

    differences = np.diff(logs)
    spread = np.median(np.abs(differences - np.median(differences)))
    return float(_MAD_TO_DEVIATION * spread / np.sqrt(2))


def _without_bad_nights(logs: Values, noise: float) -> Values:
    """Values far from their neighbours, two on each side, become those neighbours' median (Hampel's filter).

    At the ends it is the three last ones: the first value of a new level counts as a bad night until two more agree.
    """
    import numpy as np

    padded = np.concatenate([logs[[2]], logs[[2]], logs, logs[[-3]], logs[[-3]]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 5)
    middles = np.median(windows, axis=1)
    middles[[0, -1]] = np.median(logs[:3]), np.median(logs[-3:])
    return np.where(np.abs(logs - middles) > _OUTLIER * noise, middles, logs)


def _candidates(scaled: Values) -> list[int]:
    """Where PELT sees a level end; `scaled` has a noise of one."""
    import numpy as np

    try:
        from ruptures import KernelCPD
    except ImportError:
        raise Unsupported("change points need ruptures: pip install 'slimml[history]'") from None
    algorithm = KernelCPD(kernel="linear", min_size=SHORTEST).fit(scaled.reshape(-1, 1))
    return [int(place) for place in algorithm.predict(pen=_PENALTY * np.log(len(scaled)))[:-1]]


def _drop_weak(logs: Values, edges: list[int]) -> float:
    """Take out of `edges` what does not pass the test, the weakest first; the deviation within what is left."""
    from scipy import stats

    while True:
        deviation, freedom = _within(logs, edges)
        strengths = [_strength(logs, edges[place - 1 : place + 2], deviation) for place in range(1, len(edges) - 1)]
        if not strengths or min(strengths) >= stats.t.isf(_LEVEL / 2, freedom):
            return deviation
        del edges[strengths.index(min(strengths)) + 1]
        _settle(logs, edges)


def _settle(logs: Values, edges: list[int]) -> None:
    """Move each place to where its two levels fit best, now that another place is gone."""
    for place in range(1, len(edges) - 1):
        costs = _costs(logs, edges[place - 1], edges[place + 1])
        edges[place] = min(costs, key=costs.__getitem__)


def _costs(logs: Values, begin: int, end: int) -> dict[int, float]:
    """The sum of squares around two levels, by the place between them."""
    places = range(begin + SHORTEST, end - SHORTEST + 1)
    return {place: _cost(logs[begin:place]) + _cost(logs[place:end]) for place in places}


def _cost(logs: Values) -> float:
    return float(((logs - logs.mean()) ** 2).sum())


def _within(logs: Values, edges: Sequence[int]) -> tuple[float, int]:
    """The deviation of values from the mean of their level, and its degrees of freedom.

    Nights that resemble the night before prove less: the deviation is that of as many independent ones. What lag-one
    correlation pure chance would show is not believed.
    """
    import numpy as np

    parts = [logs[begin:end] for begin, end in pairwise(edges)]
    freedom = max(1, len(logs) - len(parts))
    rest = np.concatenate([part - part.mean() for part in parts])
    squares = float((rest**2).sum())
    alike = float((rest[1:] * rest[:-1]).sum()) / squares - len(rest) ** -0.5 if squares else 0.0
    alike = min(max(alike, 0.0), _MOST_ALIKE)
    deviation = (squares / freedom * (1 + alike) / (1 - alike)) ** 0.5
    return max(deviation, _QUIETEST), freedom


def _strength(logs: Values, edges: Sequence[int], deviation: float) -> float:
    """The t-value of a step between two levels; 0 where some bad nights may have made it.

    That is where the medians do not take half of the step that the means take, and where a level of so few nights that
    two bad ones could make it has one that does not take part in the step.
    """
    import numpy as np

    begin, middle, end = edges
    before, after = logs[begin:middle], logs[middle:end]
    rise = float(after.mean() - before.mean())
    if (np.median(after) - np.median(before)) / (rise or np.inf) < _HALF:
        return 0.0
    for level, other in ((before, after), (after, before)):
        shares = (level - np.median(other)) / (level.mean() - np.median(other) or np.inf)
        if len(level) <= SHORTEST and shares.min() < _PART:
            return 0.0
    return float(abs(rise) / (deviation * (1 / len(before) + 1 / len(after)) ** 0.5))


def _step(found: Values, logs: Values, edges: Sequence[int], deviation: float) -> Step:
    import numpy as np

    begin, middle, end = edges
    costs = _costs(logs, begin, end)
    allowed = costs[middle] + _LIKELY * deviation**2
    first = last = middle
    while costs.get(first - 1, np.inf) <= allowed:
        first -= 1
    while costs.get(last + 1, np.inf) <= allowed:
        last += 1
    return Step(middle, first, last, float(np.median(found[begin:middle])), float(np.median(found[middle:end])))
