"""Amounts in budgets as people write them: 200 MB, 1.5 GiB, 2.5 s, 5 %, and numbers alone."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What is counted. A share is between 0 and 1; a flag is 0 or 1."""

    BYTES = "bytes"
    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"
    FLAG = "flag"


@dataclass(frozen=True)
class Amount:
    """`value` in its unit; where `relative`, a share of something else (0.05 for 5 %)."""

    value: float
    relative: bool = False


BYTES = {
    "": 1,
    "b": 1,
    **{f"{letter}{b}": 1000**power for power, letter in enumerate("kmgtpe", 1) for b in ("", "b")},
    **{f"{letter}i{b}": 1024**power for power, letter in enumerate("kmgtpe", 1) for b in ("", "b")},
}
"""Units of bytes in lower case, as docker and dive write them: k and kB are 1,000, Ki and KiB 1,024"""
_SECONDS = {"s": 1.0, "": 1.0, "ms": 0.001, "min": 60.0}
_WRITTEN = re.compile(r"([+-]?)\s*(\d[\d_]*(?:\.\d*)?|\.\d+)\s*([A-Za-z%]*)")
_SAID = {
    Unit.BYTES: "bytes such as '200 MB'",
    Unit.COUNT: "a whole number",
    Unit.SECONDS: "seconds such as '2.5 s'",
    Unit.SHARE: "a share such as 0.95 or '95 %'",
    Unit.FLAG: "true or false",
}


def parse_amount(written: object, unit: Unit, *, relative: bool = False) -> Amount:
    """The amount that a file or a command line says; a number alone is in the unit itself.

    `relative` permits a percentage of something else. Raises ValueError that says what it should be.
    """
    wanted = _SAID[unit] + (" or per cent such as '5 %'" if relative and unit is not Unit.SHARE else "")
    wrong = ValueError(f"should be {wanted}, is {written!r}")
    if unit is Unit.FLAG:
        if not isinstance(written, bool):
            raise wrong
        return Amount(float(written))
    if isinstance(written, int | float) and not isinstance(written, bool):
        if not math.isfinite(written):
            raise wrong
        found = Amount(float(written))
    elif isinstance(written, str):
        parsed = _parsed(written, unit, relative=relative)
        if parsed is None:
            raise wrong
        found = parsed
    else:
        raise wrong
    if unit is Unit.COUNT and not found.relative and found.value != int(found.value):
        raise wrong
    return found


def _parsed(text: str, unit: Unit, *, relative: bool) -> Amount | None:
    matched = _WRITTEN.fullmatch(text.strip())
    if matched is None:
        return None
    sign = -1.0 if matched[1] == "-" else 1.0
    number, suffix = sign * float(matched[2]), matched[3].lower()
    if suffix == "%":
        # Percentages of a share are points: what sinks from 95 % by 2 % is 93 %.
        return Amount(number / 100, unit is not Unit.SHARE) if relative or unit is Unit.SHARE else None
    if unit is Unit.BYTES and suffix in BYTES:
        return Amount(number * BYTES[suffix])
    if unit is Unit.SECONDS and suffix in _SECONDS:
        return Amount(number * _SECONDS[suffix])
    return Amount(number) if not suffix and unit in (Unit.COUNT, Unit.SHARE) else None
