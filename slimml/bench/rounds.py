"""The order of measurements: A B, B A, A B … so that a machine that warms up or slows down favours neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Turn(Generic[T]):
    """Whose turn it is. `round` counts from 0, separately for those that are a `warm_up` and enter no figure."""

    subject: T
    round: int
    warm_up: bool


def interleaved(subjects: Sequence[T], rounds: int, warm_up: int = 1) -> Iterator[Turn[T]]:
    """Every subject once in each round, in the given order and backwards by turns; warm-up rounds come first.

    The first round that counts goes forward: A B, B A, A B …
    """
    for number in range(-warm_up, rounds):
        order = subjects if number % 2 == 0 else list(reversed(subjects))
        for subject in order:
            yield Turn(subject, number + warm_up if number < 0 else number, number < 0)
