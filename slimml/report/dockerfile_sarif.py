"""Findings of `dockerfile lint` as SARIF: each at its lines of the Dockerfile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slimml.report.sarif import sarif_log, sarif_result

if TYPE_CHECKING:
    from slimml.dockerfile.lint import Told
    from slimml.dockerfile.rule import Rule


def lint_sarif(told: Mapping[str, Sequence[Told]], version: str) -> dict[str, Any]:
    """A log with one run: the rules that found something, and a result for each finding at its lines, by path."""
    rules = {one.rule.id: one.rule for found in told.values() for one in found}
    order = list(rules)
    results = [_result(path, one, order) for path, found in told.items() for one in found]
    return sarif_log([_rule(rule) for rule in rules.values()], results, version)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.reason},
        "helpUri": rule.link,
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"risk": rule.risk.value},
    }


def _result(path: str, told: Told, order: list[str]) -> dict[str, Any]:
    found = told.finding
    text = found.message + (f" (left alone: {found.kept})" if found.kept else "")
    properties = {} if found.saves is None else {"saves": found.saves}
    level, lines = told.rule.severity.value, (told.line, told.end_line)
    return sarif_result(told.rule.id, order.index(told.rule.id), level, text, path, lines, **properties)
