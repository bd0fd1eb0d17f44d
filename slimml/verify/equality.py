"""Whether two values are equal as a person would say, and where they are not."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from slimml.verify.values import Line, Numbers, Rules, Value, Where, kind_of, shown
from slimml.verify.varying_text import same_line

if TYPE_CHECKING:
    from collections.abc import Iterator

ABSENT = "absent"
_ALIGNED_LINES = 2000
"""texts of more lines are compared line by line from the top"""
_LINES_TOLD = 5


@dataclass(frozen=True)
class Misfit:
    """A place, what the original says there, and what was found. `varying` as in `verification.Difference`."""

    where: Where
    original: str
    found: str
    varying: bool = False


def same(one: Value, other: Value, rules: Rules) -> bool:
    """Whether two values are equal under the rules; symmetric."""
    if isinstance(one, float) and isinstance(other, float):
        return rules.close(one, other)
    return next(apart(one, other, rules, ()), None) is None


def apart(one: Value, other: Value, rules: Rules, where: Where = ()) -> Iterator[Misfit]:
    """The places where two values differ."""
    if kind_of(one) != kind_of(other):
        yield Misfit(where, _of_kind(one), _of_kind(other))
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys((*one, *other)):
            if key not in one or key not in other:
                old, new = (shown(side[key]) if key in side else ABSENT for side in (one, other))
                yield Misfit((*where, key), old, new)
            else:
                yield from apart(one[key], other[key], rules, (*where, key))
    elif isinstance(one, list) and isinstance(other, list):
        yield from _arrays_apart(one, other, rules, where)
    elif not _leaves_equal(one, other, rules):
        yield Misfit(where, shown(one), shown(other))


def _of_kind(value: Value) -> str:
    return "null" if value is None else f"{kind_of(value)} {shown(value)}"


def _leaves_equal(one: Value, other: Value, rules: Rules) -> bool:
    if isinstance(one, Line) and isinstance(other, Line):
        return same_line(one, other, rules)
    if isinstance(one, Numbers) and isinstance(other, Numbers):
        return _numbers_equal(one, other, rules)
    if isinstance(one, int | float) and isinstance(other, int | float) and not isinstance(one, bool):
        return rules.close(one, other)
    return one == other


def _numbers_equal(one: Numbers, other: Numbers, rules: Rules) -> bool:
    import numpy as np

    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    if not np.issubdtype(one.array.dtype, np.inexact):
        return bool(np.array_equal(one.array, other.array))
    bound = np.maximum(rules.absolute, rules.relative * np.maximum(np.abs(one.array), np.abs(other.array)))
    with np.errstate(invalid="ignore"):
        near = np.abs(one.array - other.array) <= bound
    equal = (one.array == other.array) | (np.isnan(one.array) & np.isnan(other.array))
    return bool(np.all(equal | (near & np.isfinite(bound))))


def _arrays_apart(one: list[Value], other: list[Value], rules: Rules, where: Where) -> Iterator[Misfit]:
    if len(one) == len(other):
        for place, (old, new) in enumerate(zip(one, other, strict=True)):
            yield from apart(old, new, rules, (*where, place))
        return
    yield Misfit(where, counted(len(one), one), counted(len(other), other))
    if max(len(one), len(other)) <= _ALIGNED_LINES and all(isinstance(item, Line) for item in (*one, *other)):
        yield from _lines_apart([str(item) for item in one], [str(item) for item in other], where)
        return
    for place, (old, new) in enumerate(zip(one, other, strict=False)):
        yield from apart(old, new, rules, (*where, place))


def _lines_apart(one: list[str], other: list[str], where: Where) -> Iterator[Misfit]:
    for kind, start, end, new_start, new_end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind != "equal":
            old, new = _joined(one[start:end]), _joined(other[new_start:new_end])
            yield Misfit((*where, start), old, new)


def _joined(lines: list[str]) -> str:
    return shown(Line(" ⏎ ".join(lines[:_LINES_TOLD]))) if lines else ABSENT


def counted(length: int, value: list[Value]) -> str:
    """A number of elements, or of lines."""
    return f"{length} {'lines' if value and isinstance(value[0], Line) else 'elements'}"
