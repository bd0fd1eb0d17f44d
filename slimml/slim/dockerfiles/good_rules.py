"""Which of several rules can be applied together: those that fail are found by halving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Search:
    """`check` says "" for a set of rules that works, else why it does not. Each set is tried once."""

    check: Callable[[tuple[str, ...]], str]
    trials: int = 0
    good: tuple[str, ...] = ()
    dropped: dict[str, str] = field(default_factory=dict)
    """each rule that is left out, and why"""

    def run(self, rules: Sequence[str]) -> tuple[str, ...]:
        """The rules that work together, in their order; what is given up is in `dropped`.

        With n rules and d bad ones about d * log2(n) sets are tried beyond the first.
        """
        self._add(tuple(rules), tuple(rules))
        return self.good

    def _add(self, group: tuple[str, ...], order: tuple[str, ...]) -> None:
        wanted = tuple(rule for rule in order if rule in self.good or rule in group)
        self.trials += 1
        why = self.check(wanted)
        if not why:
            self.good = wanted
        elif len(group) == 1:
            self.dropped[group[0]] = why
        else:
            middle = len(group) // 2
            self._add(group[:middle], order)
            self._add(group[middle:], order)
