"""What all rules say of a Dockerfile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.dockerfile.rules.registry import RULES

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.rule import Finding, Rule


@dataclass(frozen=True)
class Told:
    """A finding with its rule and the lines where it is, from 1."""

    rule: Rule
    finding: Finding
    line: int
    end_line: int


def lint(build: Build, rules: Iterable[Rule] = RULES) -> list[Told]:
    """The findings of `rules` in the order of the file. Rules that have to be named are left out unless they are all
    that is asked for."""
    asked = [*rules]
    chosen = [rule for rule in asked if not rule.asked] or asked
    found = [
        Told(
            rule,
            finding,
            build.document.line_of(finding.span.start),
            build.document.line_of(max(finding.span.start, finding.span.end - 1)),
        )
        for rule in chosen
        for finding in rule.look(build)
    ]
    return sorted(found, key=lambda told: (told.line, told.finding.span.start, told.rule.id))
