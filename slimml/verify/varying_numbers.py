"""Numbers that differ from run to run of the original: which other ones may take their place."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slimml.verify.values import Rules

_ORDER = 10
"""how many times larger or smaller another run's number may be"""
_JITTER = 0.01
"""numbers this close together, as a share of the largest, are one result with rounding in it"""
_JITTER_SPREADS, _JITTER_SHARE = 100, 0.05
PATIENCE_SECONDS = 600
"""how far a clock may be from where it should be; time zones are half an hour apart at least"""
_TIMING = re.compile(
    r"(?:^|[^a-z])(?:time|took|elapsed|duration|latency|uptime|ms|secs?|seconds|millis|micros|nanos|ns|us)"
    r"(?:$|[^a-z])|durationMs|elapsedMs|Time$|Ms$|(?:per_?sec|/s)$"
)
_TIMING_ORDER = 1000
"""how many times longer the same work may take on a machine that is busy, or whose page cache is cold"""
_SHORTEST = 0.001
_LARGEST = 1 << 1000
_BITS = 8


def summary(seen: Sequence[float]) -> tuple[float, ...]:
    """As few of the numbers as tell the same about others: the bounds, a fraction if there is one, NaN, infinities."""
    known = [number for number in seen if number == number and abs(number) != math.inf]
    strange = {str(number): number for number in seen if number != number or abs(number) == math.inf}
    if not known:
        return tuple(strange.values())
    fraction = next((number for number in known if isinstance(number, float) and not number.is_integer()), min(known))
    return tuple(dict.fromkeys((min(known), max(known), fraction, *strange.values())))


def is_timing(name: str) -> bool:
    """Whether what is called `name` says how long something took, so that it tells of the machine, not of the image."""
    return bool(_TIMING.search(name))


def fits(seen: Sequence[float], value: float, rules: Rules, *, timing: bool = False) -> bool:
    """Whether `value` is one that the original might have said where it said `seen`.

    A time of the epoch (in seconds, or thousandths… of them) has to be now; how long something took (`timing`) may be
    a thousand times more, and less; a fraction whose last digits vary has to stay near; anything else keeps its sign
    and its order of magnitude, or lies within ten times what was spread.
    """
    if value in seen:
        return True
    if any(isinstance(number, int) and abs(number) > _LARGEST for number in (*seen, value)):
        return _same_length([*seen], value)
    if not math.isfinite(value):
        return math.isnan(value) and any(map(math.isnan, seen))
    known = [number for number in seen if math.isfinite(number)]
    if not known:
        return False
    low, high = min(known), max(known)
    unit = _epoch_unit(low, high, rules)
    if unit:
        late = rules.elapsed + PATIENCE_SECONDS + (high - low) / unit
        return low - PATIENCE_SECONDS * unit <= value <= high + late * unit
    if timing and low >= 0:
        return 0 <= value <= _TIMING_ORDER * max(high, _SHORTEST)
    largest = max(abs(low), abs(high))
    if high - low < _JITTER * largest and not all(float(number).is_integer() for number in known):
        margin = max(_JITTER_SPREADS * (high - low), _JITTER_SHARE * largest)
        return low - margin <= value <= high + margin
    return _same_order(low, high, value)


def _same_length(seen: list[float], value: float) -> bool:
    """Whether a whole number beyond every float has as many bits as others."""
    lengths = [number.bit_length() for number in (*seen, value) if isinstance(number, int)]
    return len(lengths) == len(seen) + 1 and max(lengths) - min(lengths) <= _BITS and min((*seen, value)) >= 0


def _same_order(low: float, high: float, value: float) -> bool:
    margin = _ORDER * (high - low)
    bottom = min(low - margin, low / _ORDER if low > 0 else low * _ORDER)
    top = max(high + margin, high * _ORDER if high > 0 else high / _ORDER)
    if low >= 0:
        bottom = max(bottom, 0)
    if high <= 0:
        top = min(top, 0)
    return bottom <= value <= top


def _epoch_unit(low: float, high: float, rules: Rules) -> int | None:
    unit = rules.epoch_unit(low)
    return unit if unit == rules.epoch_unit(high) else None


def describe(seen: Sequence[float], rules: Rules) -> str:
    """What varies, in words."""
    known = [number for number in seen if abs(number) < _LARGEST]
    if known and _epoch_unit(min(known), max(known), rules):
        return "a time"
    return f"a number, {min(known):g} to {max(known):g}" if known else "a number"
