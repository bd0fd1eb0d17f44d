"""A Dockerfile with the edits of rules, one after the other until none has more to do.

Every byte that no edit means stays. What comes out is parsed again after each rule; a rule whose result does not parse,
or goes on for ever, is left out with that as its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slimml.dockerfile.build import Build, open_build
from slimml.dockerfile.edit import Edit, apply, overlap
from slimml.dockerfile.hunks import Hunk, Trail
from slimml.dockerfile.rule import Risk, Rule
from slimml.dockerfile.rules.registry import RULES
from slimml.dockerfile.spans import decode
from slimml.errors import InvalidDockerfile

if TYPE_CHECKING:
    from slimml.dockerfile.rule import Finding, SideFile

_ROUNDS = 6


@dataclass(frozen=True)
class Applied:
    """A finding whose edits were made; `line` is where it was in the file at that time, from 1."""

    rule: Rule
    message: str
    line: int
    saves: int | None


@dataclass(frozen=True)
class Left:
    """A finding whose place was left alone, and why."""

    rule: Rule
    message: str
    line: int
    why: str


@dataclass(frozen=True)
class Fixed:
    """The file before and after. `files` are other files that were made or completed; `left` is of the result."""

    before: bytes
    after: bytes
    applied: tuple[Applied, ...]
    left: tuple[Left, ...]
    files: tuple[SideFile, ...]
    hunks: tuple[Hunk, ...]

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        return self.before != self.after or bool(self.files)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that were applied, in their order."""
        return tuple(dict.fromkeys(one.rule.id for one in self.applied))

    @property
    def saves(self) -> int:
        """About how many bytes go, as far as anybody can say."""
        return sum(one.saves or 0 for one in self.applied)


def chosen_rules(
    *,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    risks: Iterable[Risk] = (Risk.SAFE,),
    rules: Sequence[Rule] = RULES,
) -> tuple[Rule, ...]:
    """Rules that make edits: those named in `only` whatever their risk, else those of `risks`; never those of
    `skip`."""
    named, without, taken = frozenset(only), frozenset(skip), frozenset(risks)
    return tuple(
        rule
        for rule in rules
        if rule.edits
        and rule.id not in without
        and (rule.id in named if named else rule.risk in taken and not rule.asked)
    )


def fix(build: Build, rules: Sequence[Rule]) -> Fixed:
    """Apply `rules` in their order, again and again until nothing changes."""
    start, trail = build, Trail(decode(build.document.data))
    applied: list[Applied] = []
    broken: dict[str, Left] = {}
    files: dict[str, SideFile] = {}
    for _ in range(_ROUNDS):
        before = build.document.data
        for rule in rules:
            if rule.id in broken:
                continue
            taken = _compatible([*rule.look(build)])
            if not taken:
                continue
            data = apply(build.document, [edit for finding in taken for edit in finding.edits])
            try:
                following = _opened(build, data, taken)
            except InvalidDockerfile as error:
                broken[rule.id] = Left(
                    rule,
                    taken[0].message,
                    build.document.line_of(taken[0].span.start),
                    f"its edit does not parse: {error}",
                )
                continue
            applied += [_applied(build, rule, finding) for finding in taken]
            files |= {file.path: file for finding in taken for file in finding.files}
            trail.step(decode(data), [rule.id])
            build = following
        if build.document.data == before:
            break
    left = [_left(build, rule, finding) for rule in RULES if not rule.asked for finding in rule.look(build)]
    return Fixed(
        start.document.data, build.document.data, tuple(applied), (*broken.values(), *left), tuple(files.values()),
        tuple(trail.hunks()),
    )  # fmt: skip


def _compatible(findings: list[Finding]) -> list[Finding]:
    """Those that change something and do not want the same bytes; the first of two that do is taken."""
    taken: list[Finding] = []
    edits: list[Edit] = []
    for finding in findings:
        if finding.kept or not (finding.edits or finding.files) or overlap(edits, finding.edits):
            continue
        taken.append(finding)
        edits += finding.edits
    return taken


def _opened(build: Build, data: bytes, taken: Sequence[Finding]) -> Build:
    context = build.context
    for file in (file for finding in taken for file in finding.files):
        context = context.with_file(file.path, file.text)
    following = open_build(data, context, build.bases, buildkit=build.buildkit, needed=build.needed)
    return replace(following, buildkit=build.buildkit or following.buildkit)


def _applied(build: Build, rule: Rule, finding: Finding) -> Applied:
    return Applied(rule, finding.message, build.document.line_of(finding.span.start), finding.saves)


def _left(build: Build, rule: Rule, finding: Finding) -> Left:
    why = finding.kept or ("only its author can" if not (finding.edits or finding.files) else "not asked for")
    return Left(rule, finding.message, build.document.line_of(finding.span.start), why)
