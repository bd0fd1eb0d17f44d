"""dive's rules for CI, as its .dive-ci says them, read as dive 0.13 reads them.

README of dive ("CI Integration"), cmd/dive/cli: a YAML file with `rules`, whose keys are lowestEfficiency,
highestWastedBytes and highestUserWastedPercent, in any case; a value is a text of a number, of bytes, or `disabled`.
A key that is missing has dive's default; other keys are passed over.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from slimml.errors import AccessDenied, NotFound, UsageError
from slimml.gates.amount import BYTES, Amount, Unit
from slimml.gates.budget import DIVE_EFFICIENCY, DIVE_USER_WASTED, DIVE_WASTED, Bound, Budget, Metric, Place, Severity

FILE = ".dive-ci"
DISABLED = "disabled"
_RULES: tuple[tuple[str, Metric, Bound, str], ...] = (
    ("lowestEfficiency", DIVE_EFFICIENCY, Bound.LEAST, "0.9"),
    ("highestWastedBytes", DIVE_WASTED, Bound.MOST, DISABLED),
    ("highestUserWastedPercent", DIVE_USER_WASTED, Bound.MOST, "0.1"),
)
_MOST_BYTES = 1 << 20


def read_dive_rules(path: Path) -> list[Budget]:
    """The rules of a file as budgets that fail. Raises NotFound, AccessDenied, UsageError with the file and the key."""
    text = _content(path)
    written = _rules(text, path)
    found = []
    for key, metric, bound, default in _RULES:
        value = written.get(key.lower())
        if isinstance(value, dict | list):
            # Not shown: a few lines of YAML may stand for more than memory holds.
            raise UsageError(f"{path}: {key} should be a number, bytes or {DISABLED}, is a {type(value).__name__}")
        told = default if value is None else _as_go_prints(value)
        if told != DISABLED:
            place = Place(str(path), _line_of(text, key), key)
            found.append(Budget(metric, bound, _amount(told, metric.unit, f"{path}: {key}"), Severity.FAIL, place))
    return found


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            found = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"{path} does not exist; --dive-ci takes a file of dive's rules") from None
    except OSError as error:
        raise AccessDenied(f"{path} cannot be read: {error.strerror}") from None
    if len(found) > _MOST_BYTES:
        raise UsageError(f"{path} is larger than 1 MiB; that is no file of dive's rules")
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from None


def _rules(text: str, path: Path) -> dict[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise UsageError(f"{path} is not YAML: {words}") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UsageError(f"{path}: should be a table with 'rules', is a {type(document).__name__}")
    lowered = {str(key).lower(): value for key, value in document.items()}
    rules = lowered.get("rules")
    if rules is None:
        return {}
    if not isinstance(rules, dict):
        raise UsageError(f"{path}: rules should be a table, is a {type(rules).__name__}")
    return {str(key).lower(): value for key, value in rules.items()}


def _as_go_prints(value: object) -> str:
    """A YAML scalar as text: dive asks for texts whatever was written."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _amount(text: str, unit: Unit, where: str) -> Amount:
    if unit is Unit.BYTES:
        matched = re.fullmatch(r"\s*([\d.,]+)\s*([A-Za-z]*)\s*", text)
        scale = BYTES.get(matched[2].lower()) if matched else None
        try:
            if matched is None or scale is None:
                raise ValueError
            return Amount(float(int(float(matched[1].replace(",", "")) * scale)))
        except ValueError:
            raise UsageError(f"{where} should be bytes such as 20MB, or {DISABLED}, is {text!r}") from None
    try:
        share = float(text)
    except ValueError:
        raise UsageError(f"{where} should be a number from 0 to 1, or {DISABLED}, is {text!r}") from None
    if not 0 <= share <= 1:
        raise UsageError(f"{where} should be from 0 to 1, is {text}")
    return Amount(share)


def _line_of(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(rf"\s*[\"']?{key}[\"']?\s*:", line, re.IGNORECASE):
            return number
    return 1
