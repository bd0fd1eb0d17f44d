"""What `verify` found: a row for each probe, the differences, what was forgiven, and what nobody looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from slimml.report.sizes import counted
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible
from slimml.verify.verification import Verdict

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.engine.container import EngineFacts
    from slimml.probes.answer import Answer
    from slimml.verify.verification import Difference, Verification

_STYLE = {Verdict.SAME: "green", Verdict.DIFFERENT: "red", Verdict.BROKEN: "bold red", Verdict.UNPROVEN: "yellow"}
_SAYS = {
    Verdict.SAME: "answers as the original does, as far as it was asked",
    Verdict.DIFFERENT: "answers otherwise than the original",
    Verdict.BROKEN: "does not work where the original does",
    Verdict.UNPROVEN: "nothing is proven: the original does not answer as its probes expect, or nothing was asked",
}
_TOLD = 10
"""differences of one probe that are printed"""
_LONGEST = 300


@dataclass(frozen=True)
class AnswerReport:
    """An answer without its contents. `code` is the HTTP status or exit code, `failure` why there was no answer."""

    code: int | None
    seconds: float
    body_bytes: int
    files: int
    failure: str | None


@dataclass(frozen=True)
class RowReport:
    """A probe's verdict; `remarks` are differences that do not count, `ignored` the parts that were forgiven."""

    probe: str
    verdict: Verdict
    differences: tuple[Difference, ...]
    remarks: tuple[Difference, ...]
    ignored: tuple[str, ...]
    original: AnswerReport
    slim: AnswerReport


@dataclass(frozen=True)
class VerificationReport:
    """All of it. `probes` says where the probes came from; `failure` why the other image never was ready."""

    original: str
    slim: str
    engine: EngineFacts
    probes: str
    verdict: Verdict
    failure: str | None
    rows: tuple[RowReport, ...]
    not_checked: tuple[str, ...]


def verification_report(found: Verification) -> VerificationReport:
    """The verification as plain values."""
    rows = tuple(
        RowReport(
            row.probe, row.verdict, row.differences, row.remarks, row.ignored, _answer(row.original), _answer(row.slim)
        )
        for row in found.rows
    )
    return VerificationReport(
        original=found.original,
        slim=found.slim,
        engine=found.engine,
        probes=found.origin,
        verdict=found.verdict,
        failure=found.failure,
        rows=rows,
        not_checked=found.not_checked,
    )


def _answer(answer: Answer) -> AnswerReport:
    return AnswerReport(answer.code, round(answer.seconds, 6), len(answer.body), len(answer.files), answer.failure)


def render_verification(report: VerificationReport, console: Console) -> None:
    """Print the images, the table of probes, every difference, what was forgiven and what was not checked."""
    engine = report.engine
    console.print(Text(visible(report.slim), style="bold"), soft_wrap=True)
    console.print(Text(f"held against {visible(report.original)}", style="dim"), soft_wrap=True)
    run_by = f"{engine.name} {engine.version}{', rootless' if engine.rootless else ''}"
    console.print(Text(f"run by {visible(run_by)}; probes: {visible(report.probes)}", style="dim"), soft_wrap=True)
    if report.failure:
        console.print(Text(f"never ready: {_short(report.failure)}", style="red"), soft_wrap=True)
    render_probes(report, console)
    heading(console, "Not checked")
    for sentence in report.not_checked:
        console.print(indented(visible(sentence)))
    console.print()
    count = sum(row.verdict is Verdict.SAME for row in report.rows)
    verdict = f"{report.verdict.value}: {count} of {counted(len(report.rows), 'probe')} answered alike; the image "
    said = _SAYS[report.verdict]
    text = f"{report.verdict.value}: {said}" if report.verdict is Verdict.UNPROVEN else verdict + said
    console.print(Text(text, style=_STYLE[report.verdict]), soft_wrap=True)


def render_probes(report: VerificationReport, console: Console) -> None:
    """Print the table of probes, and beneath it what differs and what was forgiven."""
    heading(console, "Probes")
    table = plain_table("verdict", ">original", ">other", "probe")
    for row in report.rows:
        verdict = Text(row.verdict.value, style=_STYLE[row.verdict])
        table.add_row(verdict, _code(row.original), _code(row.slim), visible(row.probe))
    console.print(indented(table))
    differing = [row for row in report.rows if row.differences or row.remarks]
    if differing:
        heading(console, "Differences")
        for row in differing:
            _differences(row, console)
    forgiving = [row for row in report.rows if row.ignored]
    if forgiving:
        heading(console, "Forgiven, since the original itself varies there or its probe says so")
        for row in forgiving:
            console.print(f"  {visible(row.probe)}: {_short('; '.join(row.ignored))}", soft_wrap=True)


def _differences(row: RowReport, console: Console) -> None:
    console.print(f"  {visible(row.probe)}", soft_wrap=True)
    told = [(one, "") for one in row.differences] + [(one, " (does not count)") for one in row.remarks]
    for difference, remark in told[:_TOLD]:
        console.print(Text(f"    {visible(difference.part)}{remark}", style="dim" if remark else "red"), soft_wrap=True)
        console.print(f"      original  {_short(difference.original)}", soft_wrap=True)
        console.print(f"      other     {_short(difference.slim)}", soft_wrap=True)
    if len(told) > _TOLD:
        console.print(f"    and {counted(len(told) - _TOLD, 'more difference')}; --json has more of them")


def _code(answer: AnswerReport) -> str:
    if answer.failure is not None:
        return "none"
    return "" if answer.code is None else str(answer.code)


def _short(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
