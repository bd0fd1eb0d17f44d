"""Budgets out of the table [budgets] of slimml.toml or pyproject.toml, and out of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from slimml.bloat.finding import Risk
from slimml.bloat.rules import RULES
from slimml.errors import UsageError
from slimml.gates.amount import Amount, Unit, parse_amount
from slimml.gates.budget import FINDINGS, METRICS, PULL, Bound, Budget, Metric, Place, Severity, finding_metric

COMMAND_LINE = "--budget"
_TABLE = frozenset({"max", "min", "growth", "severity", "link"})
_RISKS = frozenset(risk.value for risk in Risk)


@dataclass(frozen=True)
class Origin:
    """Where a table of budgets stands: the file as the user knows it, the heading of the table there, its text."""

    file: str
    heading: str
    text: str

    def place(self, key: str) -> Place:
        """Where a key below the table is written; the table's own line where it cannot be told."""
        return Place(self.file, _line_of(self.text, f"{self.heading}.{key}"), key)


def read_budgets(table: object, origin: Origin) -> list[Budget]:
    """The budgets of a table. Raises UsageError that names the file and the key."""
    return [*_budgets(_as_table(table, origin, ""), origin)]


def parse_budget(words: str) -> list[Budget]:
    """`NAME=VALUE` of the command line: at most VALUE (at least, for efficiency), `+VALUE` more than the base has.

    Raises UsageError.
    """
    name, equals, value = words.partition("=")
    if not equals:
        raise UsageError(f"{COMMAND_LINE} {words}: not NAME=VALUE, such as compressed='200 MB' or size=+5%")
    given: Any = {"true": True, "false": False}.get(value.strip().lower(), value.strip())
    origin = Origin(COMMAND_LINE, "", "")
    rule = name.removeprefix(f"{FINDINGS}.")
    return [*_budgets({FINDINGS: {rule: given}} if rule != name else {name: given}, origin)]


def _budgets(table: Mapping[str, Any], origin: Origin) -> Iterator[Budget]:
    for key, value in table.items():
        if key == FINDINGS:
            for rule, allowed in _as_table(value, origin, key).items():
                _check_rule(rule, origin)
                yield from _of_key(finding_metric(rule, presence=isinstance(allowed, bool)), allowed, origin)
            continue
        metric = METRICS.get(key)
        if metric is None:
            near = get_close_matches(key, [*METRICS, FINDINGS], 1, 0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join([*METRICS, FINDINGS])}"
            raise UsageError(f"{_said(origin, key)}: no such budget; {hint}")
        yield from _of_key(metric, value, origin)


def _of_key(metric: Metric, value: Any, origin: Origin) -> Iterator[Budget]:
    """The conditions of one key: a value, a table, or a list of them."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield from _of_table(metric, one, origin)
        elif isinstance(one, str) and one.strip()[:1] in ("+", "-"):
            yield _budget(metric, Bound.GROWTH, one, Severity.FAIL, None, origin)
        elif not (metric.unit is Unit.FLAG and one is True):  # true permits it: nothing to check
            # `secrets = false` reads as it is meant.
            allowed = 0 if one is False and metric.unit is Unit.COUNT else one
            bound = Bound.LEAST if metric.better_high else Bound.MOST
            yield _budget(metric, bound, allowed, Severity.FAIL, None, origin)


def _of_table(metric: Metric, table: Mapping[str, Any], origin: Origin) -> Iterator[Budget]:
    where = _said(origin, metric.name)
    for key in table:
        if key not in _TABLE:
            raise UsageError(f"{where}: unknown key {key!r}; known: {', '.join(sorted(_TABLE))}")
    try:
        severity = Severity(table.get("severity", Severity.FAIL))
    except ValueError:
        raise UsageError(f"{where}: severity should be warn or fail, is {table['severity']!r}") from None
    link = table.get("link")
    if link is not None and (metric.name != PULL or not isinstance(link, str)):
        raise UsageError(f"{where}: link is a text, and for {PULL} alone")
    own, other = ("min", "max") if metric.better_high else ("max", "min")
    if other in table:
        raise UsageError(f"{where}: {other} makes no sense of it; {own} does")
    if own not in table and "growth" not in table:
        raise UsageError(f"{where}: nothing is allowed or forbidden; give {own} or growth")
    if own in table:
        yield _budget(metric, Bound.LEAST if metric.better_high else Bound.MOST, table[own], severity, link, origin)
    if "growth" in table:
        yield _budget(metric, Bound.GROWTH, table["growth"], severity, link, origin)


def _budget(metric: Metric, bound: Bound, written: Any, severity: Severity, link: str | None, origin: Origin) -> Budget:
    where = _said(origin, metric.name)
    growth = bound is Bound.GROWTH
    if growth and metric.unit is Unit.FLAG:
        raise UsageError(f"{where}: it is or it is not, and cannot grow; give false")
    try:
        amount = parse_amount(written, metric.unit, relative=growth or metric.share_of_size)
    except ValueError as error:
        raise UsageError(f"{where} {error}") from None
    _check_range(amount, metric, where, growth=growth)
    return Budget(metric, bound, amount, severity, origin.place(metric.name), link)


def _check_range(amount: Amount, metric: Metric, where: str, *, growth: bool) -> None:
    if not growth and amount.value < 0:
        raise UsageError(f"{where} should not be below 0")
    share = metric.unit is Unit.SHARE or (amount.relative and not growth)
    if share and abs(amount.value) > 1:
        raise UsageError(f"{where} should be a share of at most 1, or '100 %'")


def _check_rule(rule: str, origin: Origin) -> None:
    known = RULES | _RISKS
    if rule not in known:
        near = get_close_matches(rule, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
        raise UsageError(f"{_said(origin, f'{FINDINGS}.{rule}')}: no such finding; {hint}")


def _as_table(found: object, origin: Origin, key: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        where = _said(origin, key) if key else f"{origin.file}: [{origin.heading}]"
        raise UsageError(f"{where} should be a table, is {found!r}")
    return found


def _said(origin: Origin, key: str) -> str:
    return f"{origin.file}: {origin.heading}.{key}" if origin.heading else f"{origin.file} {key}"


def _line_of(text: str, dotted: str) -> int:
    """The line of a key in TOML, from 1: tomllib tells no places, so the headings are followed."""
    wanted, heading, best, depth = dotted.split("."), list[str](), 1, 0
    for number, line in enumerate(text.splitlines(), 1):
        table = re.match(r"\s*\[+([^\]]+)\]", line)
        if table:
            heading = _names(table[1])
        key = re.match(r"\s*([A-Za-z0-9_.\"'-]+)\s*=", line)
        names = heading + (_names(key[1]) if key and not table else [])
        same = _common(names, wanted)
        if same == len(names) and same > depth:
            best, depth = number, same
    return best


def _names(dotted: str) -> list[str]:
    return [name.strip().strip("\"'") for name in dotted.split(".")]


def _common(names: Sequence[str], wanted: Sequence[str]) -> int:
    count = 0
    for one, other in zip(names, wanted, strict=False):
        if one != other:
            break
        count += 1
    return count
