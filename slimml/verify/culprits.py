"""Which of many removals are to blame: a smallest set of items with which a test passes, found with few tests.

Items lie in a tree (owner, rule, directory after directory, file). From the top of it down, QuickXplain (Junker,
AAAI 2004) finds the branches that are needed; only these are looked into further. With k culprits among n items that
takes about 2 k log2(n) tests where each item helps or does not matter. Where that does not hold (half of a package can
be worse than nothing of it), what is given has passed all the same, but may be more than needed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True)
class Culprits(Generic[Item]):
    """`needed` is a set with which the test passed, None when it did not pass with all items.

    `tests` were made. `smallest` says that no branch of it can be left out, as far as it was divided at all.
    """

    needed: frozenset[Item] | None
    tests: int
    smallest: bool


class _Spent(Exception):
    """No test is left."""


def find_culprits(
    items: Iterable[Item],
    passes: Callable[[frozenset[Item]], bool],
    *,
    suspects: Iterable[Item] = (),
    trail: Callable[[Item], Sequence[Hashable]] = lambda item: (item,),
    weight: Callable[[Item], int] = lambda item: 1,
    enough: int = 0,
    most: int = 60,
    seconds: float = math.inf,
) -> Culprits[Item]:
    """The items that have to stay for `passes(kept)` to be true.

    `suspects`, the likeliest first, are tried before all others. `trail` gives the branches that lead to an item, from
    the top of the tree. A branch whose items weigh at most `enough` together is not divided. At most `most` tests are
    made, and none is begun after `seconds`; the smallest set that passed until then is given.
    """
    all_items = dict.fromkeys(items)
    likely = [item for item in dict.fromkeys(suspects) if item in all_items]
    search = _Search(passes, weight, most, seconds)
    try:
        # Nothing can be learnt from parts when the whole does not help; with suspects, that may not have to be asked.
        if not (likely and search.test(frozenset(likely))) and not search.test(frozenset(all_items)):
            return Culprits(None, search.count, smallest=True)
        others = frozenset(all_items).difference(likely)
        found = search.descend(_branches(likely, trail, 0), _branches(others, trail, 0), trail, enough)
        passed = search.test(found)
    except _Spent:
        passed = False
        found = frozenset()
    return Culprits(found if passed else search.best, search.count, smallest=passed)


@dataclass(frozen=True)
class _Branch(Generic[Item]):
    """Items that share the first `depth` steps of their trails."""

    items: frozenset[Item]
    depth: int


def _branches(items: Iterable[Item], trail: Callable[[Item], Sequence[Hashable]], depth: int) -> list[_Branch[Item]]:
    """The items by the next steps of their trails; steps that all of them share are passed over."""
    pending = list(items)
    while True:
        found: dict[Hashable, list[Item]] = {}
        for item in pending:
            steps = trail(item)
            # Where a trail has ended only the item itself is left to tell it from others.
            key: Hashable = (0, steps[depth]) if depth < len(steps) else (1, item)
            found.setdefault(key, []).append(item)
        depth += 1
        if len(found) != 1 or len(pending) < 2:
            return [_Branch(frozenset(own), depth) for own in found.values()]


class _Search(Generic[Item]):
    """Tests, each made once, and the lightest set that passed."""

    def __init__(
        self, passes: Callable[[frozenset[Item]], bool], weight: Callable[[Item], int], most: int, seconds: float
    ) -> None:
        self._passes, self._weight, self._most = passes, weight, most
        self._end = time.monotonic() + seconds
        self._known: dict[frozenset[Item], bool] = {}
        self.count = 0
        self.best: frozenset[Item] | None = None

    def test(self, kept: frozenset[Item]) -> bool:
        """Whether this set passes; raises _Spent when it is not known and no test is left."""
        if kept not in self._known:
            if self.count >= self._most or (self.best is not None and time.monotonic() > self._end):
                raise _Spent
            self.count += 1
            self._known[kept] = self._passes(kept)
            if self._known[kept] and (self.best is None or self._heavy(kept) < self._heavy(self.best)):
                self.best = kept
        return self._known[kept]

    def descend(
        self,
        likely: list[_Branch[Item]],
        others: list[_Branch[Item]],
        trail: Callable[[Item], Sequence[Hashable]],
        enough: int,
    ) -> frozenset[Item]:
        """The needed branches, each divided further while that is worth it."""
        pending = self._needed(frozenset(), likely, others)
        done: list[_Branch[Item]] = []
        while pending:
            branch = pending.pop()
            if len(branch.items) == 1 or self._heavy(branch.items) <= enough:
                done.append(branch)
                continue
            beside = _joined([*pending, *done])
            pending.extend(self._explain(beside, _branches(branch.items, trail, branch.depth), fresh=True))
        return _joined(done)

    def _needed(
        self, kept: frozenset[Item], likely: list[_Branch[Item]], others: list[_Branch[Item]]
    ) -> list[_Branch[Item]]:
        if not likely:
            return self._explain(kept, others, fresh=True)
        if not others:
            return self._explain(kept, likely, fresh=True)
        second = self._explain(kept | _joined(likely), others, fresh=True)
        return [*self._explain(kept | _joined(second), likely, fresh=bool(second)), *second]

    def _explain(self, kept: frozenset[Item], branches: list[_Branch[Item]], *, fresh: bool) -> list[_Branch[Item]]:
        """A smallest choice of branches that passes together with `kept`; all of them together do.

        `fresh` says that `kept` has grown since it was last asked, so that it alone may pass by now.
        """
        if not branches or (fresh and self.test(kept)):
            return []
        if len(branches) == 1:
            return branches
        half = len(branches) // 2
        first, second = branches[:half], branches[half:]
        later = self._explain(kept | _joined(first), second, fresh=True)
        return [*self._explain(kept | _joined(later), first, fresh=bool(later)), *later]

    def _heavy(self, items: frozenset[Item]) -> int:
        return sum(self._weight(item) for item in items)


def _joined(branches: Iterable[_Branch[Item]]) -> frozenset[Item]:
    return frozenset().union(*(branch.items for branch in branches))
