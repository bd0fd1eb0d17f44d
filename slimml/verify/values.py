"""What answers are made of when they are compared: JSON's values, lines of text, blobs, arrays of numbers."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, TypeAlias

_SHOWN = 120
_DAY_SECONDS = 86_400
_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)


class Line(str):
    """A line of text outside JSON: numbers in it are compared as numbers."""

    __slots__ = ()


@dataclass(frozen=True)
class Blob:
    """Bytes that nobody looks into; `what` names them (bytes, pixels)."""

    size: int
    digest: str
    what: str = "bytes"


@dataclass(frozen=True, eq=False)
class Numbers:
    """An array of numbers (NumPy's), of `dtype` and `shape`."""

    dtype: str
    shape: tuple[int, ...]
    array: Any


Value: TypeAlias = "bool | int | float | str | Blob | Numbers | list[Value] | dict[str, Value] | None"
Where: TypeAlias = "tuple[str | int, ...]"


@dataclass(frozen=True)
class Rules:
    """How far numbers may be apart, and when: `learnt_at` in seconds of the epoch, `elapsed` seconds passed since."""

    relative: float = 1e-6
    absolute: float = 1e-9
    learnt_at: float = 0.0
    elapsed: float = 0.0

    def close(self, one: float, other: float) -> bool:
        """Whether two numbers are equal; whole numbers have to be exactly, NaN equals NaN."""
        if isinstance(one, int) and isinstance(other, int):
            return one == other
        try:
            if self.epoch_unit(one) or self.epoch_unit(other):
                return one == other  # a millionth of the time since 1970 is half an hour
            if math.isnan(one) or math.isnan(other):
                return math.isnan(one) and math.isnan(other)
            return math.isclose(one, other, rel_tol=self.relative, abs_tol=self.absolute)
        except OverflowError:  # an integer beyond every float
            return one == other

    def epoch_unit(self, number: float) -> int | None:
        """In how many parts of a second `number` is a time of about when the original was asked; None if it is none."""
        for unit in _UNITS if self.learnt_at else ():
            if abs(number / unit - self.learnt_at) < _DAY_SECONDS:
                return unit
        return None


def blob(data: bytes, what: str = "bytes") -> Blob:
    """Bytes as a value."""
    return Blob(len(data), sha256(data).hexdigest(), what)


def kind_of(value: Value) -> str:
    """The kind in JSON's words (RFC 8259, section 3); whole numbers and others are one kind."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "array"
    if isinstance(value, dict):
        return "object"
    return value.what if isinstance(value, Blob) else "numbers"


def shown(value: Value) -> str:
    """A value in a few words."""
    if isinstance(value, Blob):
        return f"{value.size} {'pixels' if value.what == 'pixels' else 'bytes'}, sha256 {value.digest[:12]}"
    if isinstance(value, Numbers):
        size = " x ".join(map(str, value.shape)) or "one"
        return f"{value.dtype} {size}"
    text = str(value) if isinstance(value, Line) else json.dumps(_short(value), ensure_ascii=False, default=shown)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _short(value: Value) -> Value:
    """Enough of a value to fill what is shown of it."""
    if isinstance(value, list):
        return [_short(item) for item in value[:_SHOWN]]
    if isinstance(value, dict):
        return {key: _short(value[key]) for key in list(value)[:_SHOWN]}
    return value[: _SHOWN + 1] if isinstance(value, str) else value


def pointer(where: Where) -> str:
    """A place as JSON Pointer (RFC 6901)."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in where)


def without(value: Value, patterns: frozenset[tuple[str, ...]]) -> Value:
    """`value` less the parts whose pointer matches a pattern (`*` stands for one step): members go, elements become
    null so that those after them keep their places.
    """
    if not patterns:
        return value
    if () in patterns:
        return None
    if isinstance(value, dict):
        kept = {key: without(item, _below(patterns, key)) for key, item in value.items()}
        return {key: item for key, item in kept.items() if () not in _below(patterns, key)}
    if isinstance(value, list):
        return [without(item, _below(patterns, str(place))) for place, item in enumerate(value)]
    return value


def _below(patterns: frozenset[tuple[str, ...]], step: str) -> frozenset[tuple[str, ...]]:
    return frozenset(pattern[1:] for pattern in patterns if pattern and pattern[0] in ("*", step))
