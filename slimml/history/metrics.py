"""The names of figures: what each counts, which way is worse, and what has to be seen of it to speak of a change.

A name is `MEASURE/…/FIGURE`: `size/disk_bytes`, `pull/100mbit+10ms/seconds`, `start/dropped/ready`. In between stands
what was varied: the link of a pull, the page cache before a start.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from enum import StrEnum

_EXACT_MEASURES = frozenset({"size", "waste", "content", "optimize"})
_COUNTED = frozenset({"wire_bytes", "blob_bytes", "requests", "image_bytes"})
"""of pulls and starts: counted, not measured, and the same in every round"""
_MORE_IS_BETTER = frozenset({"efficiency", "saved_disk_bytes", "saved_compressed_bytes", "verified"})
_NO_GOAL = frozenset({"largest_layer_share", "attempts", "connections", "resolution_seconds"})
"""figures that neither way is worse of, or that tell of the measurement itself"""


class Nature(StrEnum):
    """How a figure came about, in the order in which to believe it."""

    EXACT = "exact"
    """bytes and counts of the image itself: another run gives the same"""
    CPU = "cpu"
    MEMORY = "memory"
    WALL = "wall"
    """wall time: of this machine, with all that it did besides"""


@dataclass(frozen=True)
class Metric:
    """What is known of a figure from its name. `unit` is `bytes`, `seconds`, `share` or `count`."""

    name: str
    nature: Nature
    unit: str
    more_is_better: bool

    @property
    def gates(self) -> bool:
        """Whether a change for the worse may fail a run by itself; wall time may not."""
        return self.nature is not Nature.WALL


def metric(name: str) -> Metric:
    """What a name stands for; one that nobody knows is taken for wall time in seconds, which proves least."""
    parts = name.split("/")
    figure = parts[-1]
    unit = _unit(parts)
    if parts[0] in _EXACT_MEASURES or figure in _COUNTED:
        nature = Nature.EXACT
    elif figure.startswith("cpu") or figure.endswith("cpu_seconds"):
        nature = Nature.CPU
    elif unit == "bytes":
        nature = Nature.MEMORY
    else:
        nature = Nature.WALL
    return Metric(name, nature, unit, figure in _MORE_IS_BETTER)


def has_goal(name: str) -> bool:
    """Whether less, or more, of it is better; a change of any other figure is nothing to tell."""
    return name.rpartition("/")[2] not in _NO_GOAL


def chosen(names: list[str], patterns: list[str]) -> list[str]:
    """The names that match one of the patterns (`pull/*/seconds`); all where there are no patterns."""
    return [name for name in names if not patterns or any(fnmatch.fnmatchcase(name, one) for one in patterns)]


def _unit(parts: list[str]) -> str:
    figure = parts[-1]
    if figure.endswith("bytes") or figure == "compressed_estimate":
        return "bytes"
    if figure.endswith("share") or figure == "efficiency":
        return "share"
    if parts[0] in _EXACT_MEASURES or figure in ("requests", "connections", "attempts"):
        return "count"
    return "seconds"
