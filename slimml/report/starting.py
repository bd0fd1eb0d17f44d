"""What was done so that an image starts sooner, and what measuring said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.report.sizes import counted, size
from slimml.report.terminal import heading
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.bench.statistics import Estimate
    from slimml.startup.judging import Judgement


@dataclass(frozen=True)
class BytecodeReport:
    """Bytecode that was tried: `modules` compiled, `failed` ones that do not compile, `bytes` of the files.

    `before`, `after` seconds of warm starts without and with it and `ratio` of those made side by side, None where
    nobody measured. `kept` says whether the result has it, `reason` why or why not.
    """

    objective: str
    modules: int
    failed: int
    bytes: int
    before: Estimate | None
    after: Estimate | None
    ratio: Estimate | None
    kept: bool
    reason: str


def bytecode_report(
    objective: str, modules: int, failed: int, count: int, judgement: Judgement | None, reason: str = ""
) -> BytecodeReport:
    """The report; a `reason` says why it was given up, whatever was measured."""
    kept = not reason and judgement is not None and judgement.helps
    if not reason and judgement is not None:
        ratio = judgement.ratio
        told = f"warm starts take {ratio.value:.2f} of the time (95 % interval {ratio.low:.2f}–{ratio.high:.2f})"
        reason = told if kept else f"not shown to help: {told}"
    return BytecodeReport(
        objective,
        modules,
        failed,
        count,
        judgement.before if judgement else None,
        judgement.after if judgement else None,
        judgement.ratio if judgement else None,
        kept,
        reason,
    )


def render_bytecode(report: BytecodeReport, console: Console) -> None:
    """Print what was tried and what came of it."""
    heading(console, "Start")
    done = "added" if report.kept else "left out"
    failed = f"; {counted(report.failed, 'source does', 'sources do')} not compile" if report.failed else ""
    console.print(
        f"  bytecode of {counted(report.modules, 'module')} ({size(report.bytes)}) {done}: "
        f"{visible(report.reason)}{failed}",
        soft_wrap=True,
    )
    if report.before is not None and report.after is not None:
        console.print(
            f"  first right answer, warm: {report.before.value:.2f} s without, {report.after.value:.2f} s with it "
            f"({report.before.rounds} starts of each, in turn)",
            soft_wrap=True,
        )
