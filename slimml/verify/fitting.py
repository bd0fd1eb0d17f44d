"""Where a value does not fit the shape of what the original says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from slimml.verify import varying_numbers
from slimml.verify.equality import ABSENT, Misfit, apart, counted
from slimml.verify.shapes import (
    AnyOrder,
    Elements,
    Members,
    OneOf,
    Same,
    Several,
    Shape,
    SomeLines,
    VaryingBytes,
    VaryingNumber,
    VaryingTruth,
    canonical,
    describe,
)
from slimml.verify.values import Blob, Line, Numbers, Rules, Value, Where, kind_of, shown
from slimml.verify.varying_text import VaryingText
from slimml.verify.words import skeleton

if TYPE_CHECKING:
    from collections.abc import Iterator


def misfits(shape: Shape, value: Value, rules: Rules, where: Where = ()) -> Iterator[Misfit]:
    """All places where `value` does not fit."""
    match shape:
        case Same():
            yield from apart(shape.value, value, rules, where)
        case OneOf() if kind_of(value) in shape.kinds:
            yield from misfits(shape.kinds[kind_of(value)], value, rules, where)
        case Members() if isinstance(value, dict):
            yield from _members(shape, value, rules, where)
        case Elements() if isinstance(value, list):
            yield from _elements(shape, value, rules, where)
        case Several() if isinstance(value, list):
            yield from _several(shape, value, rules, where)
        case SomeLines() if isinstance(value, list):
            yield from _some_lines(shape, [str(line) for line in value], where)
        case _:
            timing = any(varying_numbers.is_timing(str(step)) for step in where)
            if not _fits(shape, value, rules, timing=timing):
                yield Misfit(where, describe(shape, rules) + _example(shape), shown(value), varying=True)


def _fits(shape: Shape, value: Value, rules: Rules, *, timing: bool) -> bool:
    match shape:
        case VaryingNumber():
            if isinstance(value, bool) or not isinstance(value, int | float):
                return False
            return varying_numbers.fits(shape.seen, value, rules, timing=timing)
        case VaryingTruth():
            return isinstance(value, bool)
        case VaryingText():
            return isinstance(value, str) and shape.fits(str(value), rules, timing=timing)
        case VaryingBytes():
            return kind_of(value) == kind_of(shape.seen[0]) and _bytes_fit(shape, value, rules)
        case AnyOrder():
            return isinstance(value, list) and canonical(value) == shape.elements
    return False


def _bytes_fit(shape: VaryingBytes, value: Value, rules: Rules) -> bool:
    if isinstance(value, Blob):
        sizes = [one.size for one in shape.seen if isinstance(one, Blob)]
        if value.what == "pixels":
            return value.size in sizes
        return varying_numbers.fits(sizes, value.size, rules)
    arrays = [one for one in shape.seen if isinstance(one, Numbers)]
    if not isinstance(value, Numbers) or (value.dtype, value.shape) not in {(one.dtype, one.shape) for one in arrays}:
        return False
    if not value.array.size:
        return True
    return all(
        varying_numbers.fits(
            [float(getattr(one.array, end)()) for one in arrays], float(getattr(value.array, end)()), rules
        )
        for end in ("min", "max")
    )


def _example(shape: Shape) -> str:
    if isinstance(shape, VaryingText):
        return f", such as {shown(shape.seen[0])}"
    return f", such as {shown(shape.seen[0])}" if isinstance(shape, VaryingBytes) else ""


def _members(shape: Members, value: dict[str, Value], rules: Rules, where: Where) -> Iterator[Misfit]:
    for key, inner in shape.fixed.items():
        if key in value:
            yield from misfits(inner, value[key], rules, (*where, key))
        else:
            yield Misfit((*where, key), describe(inner, rules), ABSENT)
    counts: Counter[str] = Counter()
    for key in value.keys() - shape.fixed.keys():
        form = skeleton(key)
        known = shape.varying.get(form)
        counts[form] += 1
        if known is None:
            yield Misfit((*where, key), ABSENT, shown(value[key]))
        elif known.each is not None:
            yield from misfits(known.each, value[key], rules, (*where, key))
    for form, known in shape.varying.items():
        if not _number_fits(known, counts[form]):
            yield Misfit((*where, form), f"{known.least} to {known.most} members", str(counts[form]), varying=True)


def _number_fits(known: Several, count: int) -> bool:
    return known.least / 2 <= count <= 2 * known.most


def _elements(shape: Elements, value: list[Value], rules: Rules, where: Where) -> Iterator[Misfit]:
    if len(value) != len(shape.each):
        yield Misfit(where, counted(len(shape.each), value), counted(len(value), value))
    for place, (inner, item) in enumerate(zip(shape.each, value, strict=False)):
        yield from misfits(inner, item, rules, (*where, place))


def _several(shape: Several, value: list[Value], rules: Rules, where: Where) -> Iterator[Misfit]:
    if not _number_fits(shape, len(value)):
        yield Misfit(where, describe(shape, rules), counted(len(value), value), varying=True)
    for place, item in enumerate(value if shape.each is not None else ()):
        assert shape.each is not None
        yield from misfits(shape.each, item, rules, (*where, place))


def _some_lines(shape: SomeLines, lines: list[str], where: Where) -> Iterator[Misfit]:
    left = Counter(shape.exact)
    others = []
    for place, line in enumerate(lines):
        if left[line]:
            left[line] -= 1
        else:
            others.append((place, line))
    for line in left.elements():
        yield Misfit(where, f"the line {shown(Line(line))}", ABSENT, varying=True)
    forms = Counter(skeleton(line) for _, line in others)
    for form, count in shape.always.items():
        if forms[form] < count / 2:
            yield Misfit(where, f"lines such as {shown(Line(form))}", ABSENT, varying=True)
    for place, line in others:
        if skeleton(line) not in shape.skeletons:
            yield Misfit((*where, place), "no such line in any run", shown(Line(line)), varying=True)
