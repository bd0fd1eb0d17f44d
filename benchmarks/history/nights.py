"""Series of nights, made up with the noise that was measured: what a nightly run would see of one figure.

Where the figures come from: 2 % and 5 % are the noises of night's medians with which ways to find steps were compared;
processor time of one round was good to 15 % (two deviations), and medians of rounds within 10 % were called noise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Make = Callable[[np.random.Generator, int], Values]

ROUNDS = 5
_LEVEL = 2.5
"""seconds; nothing depends on it"""
_BAD_NIGHT, _SLOW_ROUND = 0.5, 0.4
"""logarithms by which a bad night (exponential) and a slow round (half normal) are slower"""


@dataclass(frozen=True)
class Noise:
    """A kind of noise: what it is in words, and logarithms of as many nights with nothing but it."""

    name: str
    words: str
    make: Make


def medians(share: float) -> Make:
    """Medians of nights that are normal around the level, `share` being one deviation."""
    return lambda chance, nights: chance.normal(0, share, nights)


def rounds(share: float, slow: float, between: float, bad: float, count: int = ROUNDS) -> Make:
    """Medians of `count` rounds a night: `share` is a round's deviation, `slow` the share of slow rounds, `between` the
    deviation from night to night, `bad` the share of bad nights, in which everything is slower.
    """

    def make(chance: np.random.Generator, nights: int) -> Values:
        each = chance.normal(0, share, (nights, count))
        each += np.where(chance.random(each.shape) < slow, np.abs(chance.normal(0, _SLOW_ROUND, each.shape)), 0)
        whole = np.where(chance.random(nights) < bad, chance.exponential(_BAD_NIGHT, nights), 0)
        return np.asarray(np.median(each, axis=1) + chance.normal(0, between, nights) + whole)

    return make


def alike(share: float, likeness: float) -> Make:
    """Medians of nights that resemble the night before (an autoregression); `share` is the deviation of all nights."""

    def make(chance: np.random.Generator, nights: int) -> Values:
        found = chance.normal(0, share, nights)
        for night in range(1, nights):
            found[night] = likeness * found[night - 1] + (1 - likeness**2) ** 0.5 * found[night]
        return found

    return make


NOISES = (
    Noise("2 %", "night's medians, normal, 2 %", medians(0.02)),
    Noise("3 %", "night's medians, normal, 3 %", medians(0.03)),
    Noise("5 %", "night's medians, normal, 5 %", medians(0.05)),
    Noise(
        "processor time",
        "5 rounds of 7.5 % a night, 1 % from night to night",
        rounds(0.075, 0.0, 0.01, 0.0),
    ),
    Noise(
        "wall time",
        "5 rounds of 5 % a night, of which a tenth are slow (by 30 % on average); 1 % from night to night; 3 % of "
        "nights bad (by 65 % on average)",
        rounds(0.05, 0.10, 0.01, 0.03),
    ),
    Noise("wall time, 15 rounds", "the same with 15 rounds a night", rounds(0.05, 0.10, 0.01, 0.03, 15)),
    Noise("drifting", "night's medians, 2 %, half of each night's deviation from the night before", alike(0.02, 0.5)),
)


def series(noise: Noise, chance: np.random.Generator, nights: int, step: float = 0.0, at: int = 0) -> list[float]:
    """Seconds of `nights`; from night `at`, from 0, more by the share `step`."""
    logs = noise.make(chance, nights)
    logs[at:] += np.log1p(step)
    return [float(value) for value in _LEVEL * np.exp(logs)]
