"""Medians with bootstrap confidence intervals, and the ratio of pairs that were measured side by side.

The percentile bootstrap of Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. With few rounds
its intervals are those of the order statistics, from the smallest to the largest value at worst: honest, not tight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEVEL = 0.95
RESAMPLES = 10_000
NOISE = 0.10
"""a spread above this share of the median is called noise"""

_SEED = 20_100
"""the same values give the same interval in every run"""
_MAD_TO_DEVIATION = 1.4826
"""of a normal distribution (Rousseeuw and Croux 1993)"""


@dataclass(frozen=True)
class Estimate:
    """A median, with the ends of its confidence interval of LEVEL; `rounds` values went in.

    Of one value the interval is that value: it says nothing then, and a report should not show it.
    """

    value: float
    low: float
    high: float
    rounds: int

    def excludes(self, value: float) -> bool:
        """Whether `value` is outside the interval."""
        return self.rounds > 1 and not self.low <= value <= self.high


def median(values: Sequence[float], seed: int = _SEED) -> Estimate:
    """The median of one or more values; raises ValueError for none."""
    import numpy as np

    return _bootstrap(np.asarray(values, dtype=float), seed)


def paired_ratio(before: Sequence[float], after: Sequence[float], seed: int = _SEED) -> Estimate:
    """The median of after / before over pairs of the same round; pairs are drawn, not values.

    What both of a pair suffered from (another program, a slow minute) cancels out. Raises ValueError for no pairs, for
    lists of different lengths, and for a `before` that is not positive.
    """
    import numpy as np

    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if first.shape != second.shape:
        raise ValueError(f"{len(first)} values before, {len(second)} after")
    if (first <= 0).any():
        raise ValueError("a ratio needs values above zero before")
    return _bootstrap(second / first, seed)


def spread(values: Sequence[float]) -> float:
    """How far values lie apart, as a share of their median: the median absolute deviation, scaled to sigmas."""
    import numpy as np

    found = np.asarray(values, dtype=float)
    middle = float(np.median(found))
    return _MAD_TO_DEVIATION * float(np.median(np.abs(found - middle))) / middle if middle > 0 else 0.0


def _bootstrap(values: NDArray[np.floating[Any]], seed: int) -> Estimate:
    import numpy as np

    count = len(values)
    if count == 0:
        raise ValueError("no values")
    drawn = values[np.random.default_rng(seed).integers(0, count, size=(RESAMPLES, count))]
    low, high = np.quantile(np.median(drawn, axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(np.median(values)), float(low), float(high), count)
