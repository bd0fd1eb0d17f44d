"""SARIF 2.1.0 (OASIS), which code scanning of GitHub, GitLab and Azure DevOps shows beside the lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_log(rules: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]], version: str) -> dict[str, Any]:
    """A log with one run of slimml `version`: `reportingDescriptor`s, and `result`s made by `sarif_result`."""
    driver = {"name": "slimml", "version": version, "rules": list(rules)}
    run = {"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": list(results)}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def sarif_result(
    rule: str, index: int, level: str, text: str, path: str, lines: tuple[int, int], **properties: object
) -> dict[str, Any]:
    """A result at `lines` (first and last, from 1) of a file. `index` is the rule's place among the rules; `level`
    none, note, warning or error."""
    region = {"startLine": lines[0], "endLine": lines[1]}
    place = {"physicalLocation": {"artifactLocation": {"uri": quote(path)}, "region": region}}
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": index,
        "level": level,
        "message": {"text": text},
        "locations": [place],
    }
    return result | ({"properties": properties} if properties else {})
