"""What is known of one smaller form of a model, and which of several is the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from slimml.models.candidates.drift import Drift
from slimml.models.candidates.guard import SLOWER, Verdict

ORIGINAL = "original"
GAIN = 0.97
"""of the original's seconds, at most, for a form that is taken because it is quicker"""


class Objective(StrEnum):
    """What the best is best at: bytes that are pulled, processor time of loading, processor time of a run."""

    SIZE = "size"
    STARTUP = "startup"
    LATENCY = "latency"


@dataclass(frozen=True)
class Measured:
    """Of one form: `bytes` on disk, `compressed` by zstd, processor seconds of `load` and of one run (`latency`), the
    most memory in `peak` bytes. The ratios are medians of rounds in which original and candidate took turns. None is
    what was not measured.
    """

    bytes: int
    compressed: int
    load: float | None = None
    latency: float | None = None
    peak: int | None = None
    load_ratio: float | None = None
    latency_ratio: float | None = None


@dataclass(frozen=True)
class Candidate:
    """One form. `failed` says why there is no file, "" when there is one; `unsuitable`, that nothing went wrong then.
    `verdict` is None while nobody judged it.
    """

    name: str
    tier: str
    did: str = ""
    failed: str = ""
    unsuitable: bool = False
    measured: Measured | None = None
    drift: tuple[Drift, ...] = ()
    metric: float | None = None
    verdict: Verdict | None = None

    @property
    def right(self) -> bool:
        """There is a file, and nothing was found against it."""
        return not self.failed and self.measured is not None and (self.verdict is None or self.verdict.passed)


def best(original: Candidate, candidates: Sequence[Candidate], objective: Objective) -> Candidate | None:
    """The candidate to take, None where the original is the best; every one that is taken is right and not slower."""
    good = [one for one in candidates if one.right and _gains(one, original, objective)]
    if objective is not Objective.LATENCY:
        good = [one for one in good if (_measured(one).latency_ratio or 1.0) <= SLOWER]
    return min(good, key=lambda one: _order(one, objective), default=None)


def front(candidates: Sequence[Candidate]) -> frozenset[str]:
    """The names of those that no other right one beats in compressed bytes, load and latency at once (Pareto)."""
    good = [one for one in candidates if one.right]
    return frozenset(one.name for one in good if not any(_beats(other, one) for other in good))


def _beats(first: Candidate, second: Candidate) -> bool:
    ours, theirs = _axes(first), _axes(second)
    return all(a <= b for a, b in zip(ours, theirs, strict=True)) and ours != theirs


def _axes(one: Candidate) -> tuple[float, float, float]:
    found = _measured(one)
    return found.compressed, found.load or 0.0, found.latency or 0.0


def _gains(one: Candidate, original: Candidate, objective: Objective) -> bool:
    new, old = _measured(one), _measured(original)
    match objective:
        case Objective.SIZE:
            return new.bytes < old.bytes and new.compressed <= old.compressed
        case Objective.STARTUP:
            return new.load_ratio is not None and new.load_ratio <= GAIN
        case Objective.LATENCY:
            return new.latency_ratio is not None and new.latency_ratio <= GAIN


def _order(one: Candidate, objective: Objective) -> tuple[float, float]:
    found = _measured(one)
    match objective:
        case Objective.SIZE:
            return found.compressed, found.bytes
        case Objective.STARTUP:
            return found.load_ratio or 1.0, found.compressed
        case Objective.LATENCY:
            return found.latency_ratio or 1.0, found.compressed


def _measured(one: Candidate) -> Measured:
    assert one.measured is not None
    return one.measured
