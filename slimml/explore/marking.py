"""The marks of a session: made and taken back, refused where nothing could come of them, weighed after each change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.bloat.finding import Action
from slimml.explore.what_if import Outcome, at_once
from slimml.inventory.owner import System
from slimml.slim.marked import Marks, marked_findings
from slimml.slim.names import ancestors

if TYPE_CHECKING:
    from slimml.bloat.finding import Finding
    from slimml.explore.subject import Found, Subject
    from slimml.explore.verdict import Mark


class Marking:
    """`changed` is called after each change, when `outcome` holds the quick sums."""

    def __init__(self, subject: Subject, changed: Callable[[], None]) -> None:
        self.subject = subject
        self.found: Found | None = None
        self.marks = Marks()
        self.outcome: Outcome | None = None
        self._changed = changed

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings, as far as they are known."""
        return self.found.findings if self.found else ()

    def toggle_paths(self, paths: list[str], *, going: bool) -> str | None:
        """Mark paths, with all beneath them, or take it back; of what goes anyway make an exception.

        Gives the reason where they cannot be marked.
        """
        chosen, marks = frozenset(paths), self.marks
        if not chosen:
            return "an older copy of a path that is still there: mark the finding that has it (f)"
        if chosen <= marks.keep:
            self._set(replace(marks, keep=marks.keep - chosen))
            return None
        if chosen <= marks.paths:
            self._set(replace(marks, paths=marks.paths - chosen))
            return None
        if going:
            self._set(replace(marks, keep=_without(marks.keep, chosen) | chosen))
            return None
        alone = marked_findings(self.subject.inventory, (), Marks(paths=chosen))
        if not alone.rows.any():
            return f"it stays: {alone.refused[0].reason}" if alone.refused else "nothing of it can go"
        self._set(replace(marks, paths=_without(marks.paths, chosen) | chosen, keep=_without(marks.keep, chosen)))
        return None

    def toggle_package(self, position: int) -> str | None:
        """Mark a package, or take it back; gives the reason where it can never be marked."""
        owner, marks = self.subject.inventory.owners[position], self.marks
        if position in marks.packages:
            self._set(replace(marks, packages=marks.packages - {position}))
            return None
        alone = marked_findings(self.subject.inventory, (), Marks(packages=frozenset([position])))
        unmovable = owner.essential or owner.system in (System.APPLICATION, System.UNKNOWN, System.RPM)
        if unmovable and alone.refused:
            return f"it stays: {alone.refused[0].reason}"
        self._set(replace(marks, packages=marks.packages | {position}))
        refused = self.outcome.refused if self.outcome else ()
        reasons = [one.reason for one in refused if one.what == owner.label]
        return f"stays for now: {reasons[0]}" if reasons else None

    def toggle_rule(self, finding: Finding) -> str | None:
        """Mark a rule's findings, or take it back; gives the reason where slimml only tells of them."""
        marks, rule = self.marks, finding.rule
        if rule in marks.rules:
            self._set(replace(marks, rules=marks.rules - {rule}))
            return None
        if finding.action is Action.TELL:
            return "slimml only tells of it: its fix is in the build, or mark its files one by one"
        self._set(replace(marks, rules=marks.rules | {rule}))
        return None

    def unmark(self, mark: Mark) -> None:
        """Take back a mark."""
        marks, key = self.marks, mark.key
        if mark.sort == "finding":
            marks = replace(marks, rules=marks.rules - {str(key)})
        elif mark.sort == "package":
            marks = replace(marks, packages=marks.packages - {int(key)})
        elif mark.sort == "path":
            marks = replace(marks, paths=marks.paths - {str(key)})
        else:
            marks = replace(marks, keep=marks.keep - {str(key)})
        self._set(marks)

    def learn(self, found: Found) -> None:
        """The findings are known now."""
        self.found = found

    def _set(self, marks: Marks) -> None:
        self.marks = marks if marks else Marks()
        self.outcome = at_once(self.subject.inventory, self.findings, self.marks) if marks else None
        self._changed()


def _without(paths: frozenset[str], around: frozenset[str]) -> frozenset[str]:
    """The paths that do not lie beneath one of `around`."""
    return frozenset(path for path in paths if around.isdisjoint(ancestors(path)))
