"""The score of an image as dive counts it, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Efficiency:
    """`score` is between 0 and 1; `wasted_bytes` are bytes on disk of all paths that occur more than once."""

    score: float
    wasted_bytes: int
