"""The summary of a check for a pull request: the verdict first, then a table of budgets, then what grew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimml.gates.check import Outcome, Status
from slimml.report.changes import told, told_change
from slimml.report.check import STATUS_ORDER, after_in_words, allowed_in_words, reasons, verdict_in_words
from slimml.report.diff_markdown import details, what_grew
from slimml.report.markdown import code, plain, table

if TYPE_CHECKING:
    from slimml.report.check import CheckReport

_MARKS = {Status.PASS: "✅ pass", Status.WARN: "⚠️ warn", Status.FAIL: "❌ fail", Status.UNCHECKED: "➖ not checked"}
_WORDS = {
    Status.PASS: "✅ slimml check passed",
    Status.WARN: "⚠️ slimml check warns",
    Status.FAIL: "❌ slimml check failed",
}


def check_markdown(report: CheckReport, top: int) -> str:
    """The document; `top` bounds the rows of the details."""
    against = f", against {code(report.against.reference)}" if report.against else ""
    ordered = sorted(report.budgets, key=lambda one: STATUS_ORDER.index(one.status))
    parts = [
        f"## {_WORDS[report.status]}: {verdict_in_words(report)}\n",
        f"{code(report.image.reference)}{against}\n",
        _budgets(ordered, based=report.against is not None),
    ]
    told_why = reasons(report)
    if told_why:
        parts.append("".join(f"- **{plain(title)}**: {plain(why)}\n" for title, why in told_why))
    if report.difference is not None:
        parts += [what_grew(report.difference), *details(report.difference, top)]
    return "\n".join(parts)


def _budgets(outcomes: list[Outcome], *, based: bool) -> str:
    columns = ["", "Budget", *([">Before"] if based else []), ">After", *([">Change"] if based else []), "Allowed"]
    rows = []
    for one in outcomes:
        before = [told(one.before, one.unit)] if based else []
        change = [told_change(one.before, one.after, one.unit)] if based else []
        title = plain(one.title)
        after = after_in_words(one)
        bold = f"**{after}**" if one.status in (Status.WARN, Status.FAIL) else after
        rows.append([_MARKS[one.status], title, *before, bold, *change, allowed_in_words(one)])
    return table(columns, rows)
