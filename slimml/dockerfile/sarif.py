"""Findings as SARIF 2.1.0 (OASIS), which code scanning of GitHub, GitLab and Azure DevOps shows beside the lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slimml.dockerfile.lint import Told
    from slimml.dockerfile.rule import Rule

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(told: Mapping[str, Sequence[Told]], version: str) -> dict[str, Any]:
    """A log with one run: the rules that found something, and a result for each finding at its lines, by path."""
    rules = {one.rule.id: one.rule for found in told.values() for one in found}
    order = list(rules)
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "slimml",
                        "version": version,
                        "rules": [_rule(rule) for rule in rules.values()],
                    }
                },
                "columnKind": "utf16CodeUnits",
                "results": [_result(path, one, order) for path, found in told.items() for one in found],
            }
        ],
    }


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
    region = {"startLine": told.line, "endLine": told.end_line}
    place = {"physicalLocation": {"artifactLocation": {"uri": path}, "region": region}}
    result: dict[str, Any] = {
        "ruleId": told.rule.id,
        "ruleIndex": order.index(told.rule.id),
        "level": told.rule.severity.value,
        "message": {"text": text},
        "locations": [place],
    }
    if found.saves is not None:
        result["properties"] = {"saves": found.saves}
    return result
