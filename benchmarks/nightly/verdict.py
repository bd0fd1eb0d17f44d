"""Whether the trends of the planted series show what was planted, at its commit, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from planted import BYTES, PROCESSOR, Made

from slimml.history.metrics import Nature, chosen
from slimml.history.trends import Change, Trend

KINDS = {Nature.EXACT: BYTES, Nature.CPU: PROCESSOR}
"""what a planted change shows in; no commit was made to change the memory of the process"""
MUST_SHOW = {BYTES: ("size/disk_bytes", "size/compressed_bytes"), PROCESSOR: ("start/*/cpu_seconds",)}
"""patterns of figures: all that match, and one at least, have to show it"""


@dataclass(frozen=True)
class Found:
    """A change that a trend tells of, and the position of the commit that it was found at."""

    metric: str
    change: Change

    @property
    def gates(self) -> bool:
        """Whether it would fail a night: wall time never does."""
        return self.change.gates


@dataclass(frozen=True)
class Verdict:
    """`found` are all changes; `missed` and `extra` say in words what should have been told and what should not."""

    found: tuple[Found, ...]
    missed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether all that was planted was found, and nothing else among the figures that gate."""
        return not self.missed and not self.extra


def judge(made: Sequence[Made], trends: Sequence[Trend]) -> Verdict:
    """Hold the changes of all trends of the series against what was planted."""
    found = tuple(Found(trend.metric.name, change) for trend in trends for change in trend.changes)
    natures = {trend.metric.name: trend.metric.nature for trend in trends}
    told = {(one.metric, one.change.at, one.change.after > one.change.before) for one in found}
    missed = [
        f"{metric} at {made[at].id[:12]} ({made[at].commit.message})"
        for at, one in enumerate(made)
        for kind, way in one.commit.plants.items()
        for pattern in MUST_SHOW[kind]
        for metric in chosen(list(natures), [pattern]) or [pattern]
        if (metric, at, way > 0) not in told
    ]
    extra = [
        f"{one.metric} at {made[one.change.at].id[:12]} ({made[one.change.at].commit.message})"
        for one in found
        if one.gates and not _planted(made[one.change.at], natures[one.metric], one.change)
    ]
    return Verdict(found, tuple(missed), tuple(extra))


def _planted(made: Made, nature: Nature, change: Change) -> bool:
    way = made.commit.plants.get(KINDS.get(nature, ""))
    return way is not None and (way > 0) == (change.after > change.before)
