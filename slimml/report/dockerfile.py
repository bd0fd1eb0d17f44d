"""What is said of a Dockerfile and what was changed in it, for a person or a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.report.sizes import size
from slimml.report.terminal import heading, plain_table
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from slimml.dockerfile.fix import Fixed
    from slimml.dockerfile.lint import Told
    from slimml.dockerfile.rule import Rule


@dataclass(frozen=True)
class DockerfileFinding:
    """A place: lines from 1; `edit` says that `dockerfile fix` can mend it, `kept` why it does not."""

    rule: str
    severity: str
    risk: str
    line: int
    end_line: int
    message: str
    saves: int | None
    edit: bool
    kept: str
    link: str


@dataclass(frozen=True)
class LintReport:
    """All findings of a file, in its order."""

    path: str
    findings: tuple[DockerfileFinding, ...]


@dataclass(frozen=True)
class AppliedReport:
    """An edit that was made; `line` is where it was in the file at that time."""

    rule: str
    line: int
    message: str
    reason: str
    saves: int | None


@dataclass(frozen=True)
class LeftReport:
    """A place of the result that was left alone, and why."""

    rule: str
    line: int
    message: str
    why: str


@dataclass(frozen=True)
class HunkReport:
    """A hunk of the difference: the first line and the number of lines before and after, and the rules that made it."""

    old_line: int
    old_lines: int
    new_line: int
    new_lines: int
    rules: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class FixReport:
    """What `dockerfile fix` did; `saves` is about how many bytes go. `written` are paths."""

    path: str
    saves: int
    applied: tuple[AppliedReport, ...]
    left: tuple[LeftReport, ...]
    hunks: tuple[HunkReport, ...]
    files: tuple[str, ...]
    written: tuple[str, ...]


@dataclass(frozen=True)
class RuleReport:
    """A rule, for `dockerfile explain`."""

    rule: str
    title: str
    severity: str
    risk: str
    edits: bool
    reason: str
    link: str


def lint_report(path: str, told: Sequence[Told]) -> LintReport:
    """The findings as data."""
    return LintReport(path, tuple(_finding(one) for one in told))


def _finding(told: Told) -> DockerfileFinding:
    rule, found = told.rule, told.finding
    return DockerfileFinding(
        rule.id, rule.severity.value, rule.risk.value, told.line, told.end_line, found.message, found.saves,
        bool(found.edits or found.files) and not found.kept, found.kept, rule.link,
    )  # fmt: skip


def fix_report(path: str, fixed: Fixed, written: Sequence[str]) -> FixReport:
    """What was changed as data."""
    return FixReport(
        path,
        fixed.saves,
        tuple(AppliedReport(one.rule.id, one.line, one.message, one.rule.reason, one.saves) for one in fixed.applied),
        tuple(LeftReport(one.rule.id, one.line, one.message, one.why) for one in fixed.left),
        tuple(HunkReport(*hunk.old, *hunk.new, hunk.rules, hunk.lines) for hunk in fixed.hunks),
        tuple(file.path for file in fixed.files),
        tuple(written),
    )


def rule_report(rule: Rule) -> RuleReport:
    """A rule as data."""
    return RuleReport(
        rule.id, rule.title, rule.severity.value, rule.risk.value, rule.edits, rule.reason, rule.link
    )  # fmt: skip


def render_lint(report: LintReport, out: Console) -> None:
    """A table, and what could be mended."""
    if not report.findings:
        out.print(f"{visible(report.path)}: nothing to say")
        return
    table = plain_table("line", "rule", "severity", "saves about", "what")
    for one in report.findings:
        why = f" (left alone: {one.kept})" if one.kept else "" if one.edit else " (only told)"
        saves = size(one.saves) if one.saves else ""
        table.add_row(str(one.line), one.rule, one.severity, saves, visible(one.message + why))
    heading(out, visible(report.path))
    out.print(table)
    mended = sum(one.edit for one in report.findings)
    if mended:
        out.print(f"\nslimml dockerfile fix can mend {mended} of {len(report.findings)}; explain RULE says why.")


def render_fix(report: FixReport, out: Console) -> None:
    """What was done with its reasons, and what was left."""
    if not report.applied:
        out.print(f"{visible(report.path)}: nothing to change")
    else:
        table = plain_table("line", "rule", "saves about", "what")
        for one in report.applied:
            table.add_row(str(one.line), one.rule, size(one.saves) if one.saves else "", visible(one.message))
        heading(out, visible(report.path))
        out.print(table)
        reasons = dict.fromkeys(f"{one.rule}: {one.reason}" for one in report.applied)
        out.print()
        for reason in reasons:
            out.print(visible(reason), soft_wrap=True)
    kept = [one for one in report.left if one.why]
    if kept:
        out.print("\nLeft alone")
        for item in kept:
            out.print(visible(f"  line {item.line}, {item.rule}: {item.message}: {item.why}"), soft_wrap=True)
    for path in report.written:
        out.print(f"wrote {visible(path)}")


def render_rules(rules: Sequence[RuleReport], out: Console) -> None:
    """One rule at length, several as a table."""
    if len(rules) == 1:
        one = rules[0]
        heading(out, f"{one.rule}: {one.title}")
        out.print(f"severity {one.severity}, risk {one.risk}, {'edits the file' if one.edits else 'only tells'}\n")
        out.print(one.reason, soft_wrap=True)
        out.print(one.link, soft_wrap=True)
        return
    table = plain_table("rule", "severity", "risk", "edits", "what")
    for one in rules:
        table.add_row(one.rule, one.severity, one.risk, "yes" if one.edits else "no", one.title)
    out.print(table)
