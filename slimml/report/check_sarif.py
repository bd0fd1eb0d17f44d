"""A check as SARIF: each budget that does not hold is a result at its line of the settings file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slimml.gates.check import Outcome, Status
from slimml.report.junit import in_words
from slimml.report.sarif import sarif_log, sarif_result
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from slimml.report.check import CheckReport

_LEVELS = {Status.FAIL: "error", Status.WARN: "warning", Status.UNCHECKED: "note"}


def check_sarif(report: CheckReport, version: str) -> dict[str, Any]:
    """A log with one run: every budget is a rule, what failed, warned or was not checked a result."""
    names = list(dict.fromkeys(one.name for one in report.budgets))
    titles = {one.name: one.title for one in report.budgets}
    rules = [{"id": f"budget/{name}", "shortDescription": {"text": titles[name]}} for name in names]
    results = [_result(report, one, names) for one in report.budgets if one.status is not Status.PASS]
    return sarif_log(rules, results, version)


def _result(report: CheckReport, outcome: Outcome, names: list[str]) -> dict[str, Any]:
    level = "error" if report.strict else _LEVELS[outcome.status]
    text = visible(f"{report.image.reference}: {in_words(outcome)}")
    line = outcome.place.line
    index = names.index(outcome.name)
    return sarif_result(f"budget/{outcome.name}", index, level, text, outcome.place.file, (line, line))
