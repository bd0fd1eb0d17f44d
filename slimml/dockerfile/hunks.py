"""The difference between two texts as a unified diff whose hunks say which rules made them.

The reasons stand where diff(1) puts a function's name, behind the second `@@`: patch(1) and git apply read past them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_CONTEXT = 3


@dataclass(frozen=True)
class Hunk:
    """Lines of a diff (`lines` begin with a space, + or -) and the rules that changed them, in their order.

    `old` and `new` are the first line and the number of lines, from 1, as the header of a unified diff says them.
    """

    old: tuple[int, int]
    new: tuple[int, int]
    rules: tuple[str, ...]
    lines: tuple[str, ...]


class Trail:
    """The lines of a text that several rules change one after the other, and who changed each of them."""

    def __init__(self, text: str) -> None:
        self.first = text.splitlines(keepends=True)
        self.lines = self.first
        self._rules: list[dict[str, None]] = [{} for _ in range(len(self.lines) + 1)]

    def step(self, text: str, rules: Sequence[str]) -> None:
        """`rules` made `text` of what there was."""
        lines = text.splitlines(keepends=True)
        marks: list[dict[str, None]] = []
        pending: dict[str, None] = {}
        for kind, start, end, new_start, new_end in _opcodes(self.lines, lines):
            if kind == "equal":
                marks += self._rules[start:end]
                if pending:
                    # Lines that went leave their mark on the one that follows.
                    marks[new_start] = marks[new_start] | pending
                    pending = {}
                continue
            known = {rule: None for mark in self._rules[start:end] for rule in mark} | dict.fromkeys(rules)
            if new_start == new_end:
                pending |= known
            marks += [known | pending for _ in range(new_start, new_end)]
            pending = pending if new_start == new_end else {}
        self._rules = [*marks, self._rules[-1] | pending]
        self.lines = lines

    def hunks(self) -> list[Hunk]:
        """What differs from the first text, with three lines around it."""
        matcher = SequenceMatcher(None, self.first, self.lines, autojunk=False)
        return [self._hunk(group) for group in matcher.get_grouped_opcodes(_CONTEXT)]

    def _hunk(self, group: Sequence[tuple[str, int, int, int, int]]) -> Hunk:
        start, end, new_start, new_end = group[0][1], group[-1][2], group[0][3], group[-1][4]
        rules: dict[str, None] = {}
        for mark in self._rules[new_start : new_end + 1]:
            rules |= mark
        return Hunk(
            (start + (start < end), end - start),
            (new_start + (new_start < new_end), new_end - new_start),
            tuple(rules),
            tuple(self._told(group)),
        )

    def _told(self, group: Sequence[tuple[str, int, int, int, int]]) -> Iterator[str]:
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                yield from (f" {line}" for line in self.first[start:end])
                continue
            yield from (f"-{line}" for line in self.first[start:end])
            yield from (f"+{line}" for line in self.lines[new_start:new_end])


def diff_text(hunks: Sequence[Hunk], old: str, new: str, reasons: dict[str, str]) -> str:
    """A unified diff of the file `old` to `new`; `reasons` says a rule's reason in a few words."""
    if not hunks:
        return ""
    told = [f"--- {old}\n+++ {new}\n"]
    for hunk in hunks:
        why = "; ".join(reasons.get(rule, rule) for rule in hunk.rules)
        told.append(f"@@ -{_range(*hunk.old)} +{_range(*hunk.new)} @@ {why}\n")
        for line in hunk.lines:
            told.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(told)


def _range(first: int, count: int) -> str:
    return str(first) if count == 1 else f"{first},{count}"


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
