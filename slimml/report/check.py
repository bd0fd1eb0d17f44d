"""What `check` found: the verdict, a table of budgets with before, after and allowed, and what grew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from slimml.gates.amount import Unit
from slimml.gates.budget import Bound
from slimml.gates.check import Outcome, Status
from slimml.gates.difference import disk_growth
from slimml.report.changes import signed_size, told, told_change
from slimml.report.diff import owner_label, version_in_words
from slimml.report.sizes import counted
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.gates.check import Verdict
    from slimml.gates.difference import Difference, ImageSide

STYLES = {Status.PASS: "green", Status.WARN: "yellow", Status.FAIL: "bold red", Status.UNCHECKED: "dim"}
STATUS_ORDER = (Status.FAIL, Status.WARN, Status.UNCHECKED, Status.PASS)
"""the worst first"""
_GROWN = 8


@dataclass(frozen=True)
class CheckReport:
    """What a check says. `status` is never UNCHECKED; `difference` is from the base, None without one."""

    image: ImageSide
    against: ImageSide | None
    status: Status
    strict: bool
    budgets: tuple[Outcome, ...]
    difference: Difference | None


def check_report(
    image: ImageSide, against: ImageSide | None, verdict: Verdict, difference: Difference | None
) -> CheckReport:
    """A verdict and what it is about, as plain values."""
    return CheckReport(image, against, verdict.status, verdict.strict, verdict.outcomes, difference)


def verdict_in_words(report: CheckReport) -> str:
    """One sentence: how many budgets hold, and which do not."""
    counts = {status: sum(one.status is status for one in report.budgets) for status in Status}
    said = [
        f"{counts[Status.FAIL]} of {counted(len(report.budgets), 'budget')} exceeded"
        if counts[Status.FAIL]
        else f"{counted(counts[Status.PASS], 'budget')} kept"
    ]
    if counts[Status.WARN]:
        said.append(counted(counts[Status.WARN], "warning"))
    if counts[Status.UNCHECKED]:
        said.append(f"{counts[Status.UNCHECKED]} not checked")
    if report.strict and not counts[Status.FAIL] and report.status is Status.FAIL:
        said.append("strict")
    return ", ".join(said)


def allowed_in_words(outcome: Outcome) -> str:
    """What a budget allows: `at most 200.0 MB`, `at least 95.0 %`, `+5 % (105.0 MB)`, `no`."""
    amount, unit = outcome.amount, outcome.unit
    if outcome.bound is Bound.GROWTH:
        points = unit is Unit.SHARE and not amount.relative
        percent = f"{100 * amount.value:+g} %" if amount.relative else f"{100 * amount.value:+g} points"
        sign = "+" if amount.value >= 0 else ""
        if not amount.value:
            return f"no growth ({told(outcome.allowed, unit)})" if outcome.allowed is not None else "no growth"
        step = percent if amount.relative or points else f"{sign}{told(amount.value, unit)}"
        return f"{step} ({told(outcome.allowed, unit)})" if outcome.allowed is not None else step
    if unit is Unit.FLAG:
        return "no"
    most = "at least" if outcome.bound is Bound.LEAST else "at most"
    if amount.relative:
        share = f"{100 * amount.value:g} % of the image"
        return f"{most} {share} ({told(outcome.allowed, unit)})" if outcome.allowed is not None else f"{most} {share}"
    return f"{most} {told(amount.value, unit)}"


def after_in_words(outcome: Outcome) -> str:
    """The image's number, with the interval of a time."""
    if outcome.interval is None or outcome.after is None:
        return told(outcome.after, outcome.unit)
    low, high = outcome.interval
    return f"{told(outcome.after, outcome.unit)} ({told(low, outcome.unit)} to {told(high, outcome.unit)})"


def reasons(report: CheckReport) -> list[tuple[str, str]]:
    """What else is to be known of budgets that did not pass, by title, each once."""
    order = sorted(report.budgets, key=lambda one: STATUS_ORDER.index(one.status))
    return list(dict.fromkeys((one.title, one.why) for one in order if one.why and one.status is not Status.PASS))


def render_check(report: CheckReport, console: Console) -> None:
    """Print the verdict, the budgets, why those that did not pass did not, and what grew."""
    console.print(Text(visible(report.image.reference), style="bold"), soft_wrap=True)
    if report.against is not None:
        console.print(Text(f"against {visible(report.against.reference)}", style="dim"), soft_wrap=True)
    console.print()
    console.print(Text(f"{report.status.value}: {verdict_in_words(report)}", style=STYLES[report.status]))
    heading(console, "Budgets")
    based = report.against is not None
    table = plain_table(
        "", "budget", *((">before",) if based else ()), ">after", *((">change",) if based else ()), "allowed"
    )
    for one in report.budgets:
        cells = [told(one.before, one.unit)] * based, [told_change(one.before, one.after, one.unit)] * based
        status = Text(one.status.value, style=STYLES[one.status])
        table.add_row(status, visible(one.title), *cells[0], after_in_words(one), *cells[1], allowed_in_words(one))
    console.print(indented(table))
    for title, why in reasons(report):
        console.print(Text(f"  {visible(title)}: {visible(why)}", style="dim"), soft_wrap=True)
    if report.difference is not None:
        _grew(report.difference, console)


def _grew(difference: Difference, console: Console) -> None:
    """The owners that changed most; `slimml diff` has the rest."""
    changed = [one for one in difference.owners if disk_growth(one)]
    if not changed:
        return
    heading(console, "What grew and shrank")
    table = plain_table(">disk", "")
    table.show_header = False
    for one in changed[:_GROWN]:
        table.add_row(
            signed_size(one.after.disk_bytes - one.before.disk_bytes),
            visible(f"{owner_label(one)} {version_in_words(one)}".rstrip()),
        )
    console.print(indented(table))
    if len(changed) > _GROWN:
        console.print(Text(f"  and {len(changed) - _GROWN} more: slimml diff shows them", style="dim"))
