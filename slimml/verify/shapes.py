"""What the original says in every run, as a shape that an answer fits or not: constant parts, and parts that vary.

One value alone has a shape, too, in which nothing varies: holding two answers together and forgiving what varies by
itself are the same thing here.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from slimml.verify.equality import same
from slimml.verify.values import Blob, Line, Numbers, Rules, Value, Where, kind_of, shown
from slimml.verify.varying_numbers import summary
from slimml.verify.varying_text import VaryingText, varying_text
from slimml.verify.words import skeleton

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Same:
    """The same in every run."""

    value: Value


@dataclass(frozen=True)
class VaryingNumber:
    """Another number in every run; `seen` is a summary (`varying_numbers.summary`)."""

    seen: tuple[float, ...]


@dataclass(frozen=True)
class VaryingTruth:
    """True or false."""


@dataclass(frozen=True)
class VaryingBytes:
    """Bytes, or an array of numbers, that nobody can look into; only kind and size can be told."""

    seen: tuple[Blob | Numbers, ...]


@dataclass(frozen=True)
class OneOf:
    """Of one kind or another, by kind."""

    kinds: dict[str, Shape]


@dataclass(frozen=True)
class Several:
    """`least` to `most` values of one shape, None where none was seen."""

    each: Shape | None
    least: int
    most: int


@dataclass(frozen=True)
class Members:
    """An object: members of every run by name, and those whose names vary, by the skeleton of the name."""

    fixed: dict[str, Shape]
    varying: dict[str, Several]


@dataclass(frozen=True)
class Elements:
    """An array of one length, a shape for each element."""

    each: tuple[Shape, ...]


@dataclass(frozen=True)
class AnyOrder:
    """An array of the same elements in another order each time, as canonical JSON, sorted."""

    elements: tuple[str, ...]


@dataclass(frozen=True)
class SomeLines:
    """Lines whose number or order varies: those that are the same in every run and how often they occur at least, and
    the skeletons of all others, with the same number for those of every run.
    """

    exact: dict[str, int]
    skeletons: frozenset[str]
    always: dict[str, int]
    counts: tuple[int, int]


Leaf: TypeAlias = Same | VaryingNumber | VaryingTruth | VaryingText | VaryingBytes
Shape: TypeAlias = "Leaf | OneOf | Several | Members | Elements | AnyOrder | SomeLines"


def learn(values: Sequence[Value], rules: Rules) -> Shape:
    """The shape that all of `values` fit: what is equal in all of them stays, what is not varies."""
    first = values[0]
    if all(same(first, other, rules) for other in values[1:]):
        return Same(first)
    kinds: dict[str, list[Value]] = {}
    for value in values:
        kinds.setdefault(kind_of(value), []).append(value)
    if len(kinds) > 1:
        return OneOf({kind: learn(found, rules) for kind, found in kinds.items()})
    if isinstance(first, dict):
        return _members([value for value in values if isinstance(value, dict)], rules)
    if isinstance(first, list):
        return _array([value for value in values if isinstance(value, list)], rules)
    if isinstance(first, str):
        return varying_text(str(value) for value in values)
    if isinstance(first, Blob | Numbers):
        return VaryingBytes(tuple(value for value in values if isinstance(value, Blob | Numbers)))
    if isinstance(first, bool):
        return VaryingTruth()
    return VaryingNumber(summary([value for value in values if isinstance(value, int | float)]))


def _members(values: Sequence[dict[str, Value]], rules: Rules) -> Members:
    everywhere = [key for key in values[0] if all(key in value for value in values)]
    fixed = {key: learn([value[key] for value in values], rules) for key in everywhere}
    others = sorted({skeleton(key) for value in values for key in value if key not in fixed})
    varying = {}
    for form in others:
        found = [
            [item for key, item in value.items() if key not in fixed and skeleton(key) == form] for value in values
        ]
        varying[form] = _several(found, rules)
    return Members(fixed, varying)


def _several(found: Sequence[Sequence[Value]], rules: Rules) -> Several:
    everything = [item for one in found for item in one]
    counts = [len(one) for one in found]
    return Several(learn(everything, rules) if everything else None, min(counts), max(counts))


def _array(values: Sequence[list[Value]], rules: Rules) -> Shape:
    lines = all(isinstance(item, Line) for value in values for item in value)
    if len({len(value) for value in values}) == 1:
        if len({canonical(value) for value in values}) == 1:
            return AnyOrder(canonical(values[0]))
        if not lines or not _reordered([[str(line) for line in value] for value in values]):
            return Elements(tuple(_pooled([learn(column, rules) for column in zip(*values, strict=True)])))
    if lines:
        return _some_lines([[str(line) for line in value] for value in values])
    return _several(values, rules)


def _reordered(values: Sequence[Sequence[str]]) -> bool:
    """Whether lines of the same forms came in another order each time."""
    forms = [list(map(skeleton, value)) for value in values]
    return any(one != forms[0] for one in forms) and all(Counter(one) == Counter(forms[0]) for one in forms)


def _some_lines(values: Sequence[Sequence[str]]) -> Shape:
    exact = _in_all([Counter(value) for value in values])
    rest = [Counter(map(skeleton, (Counter(value) - exact).elements())) for value in values]
    counts = [len(value) for value in values]
    return SomeLines(dict(exact), frozenset().union(*rest), dict(_in_all(rest)), (min(counts), max(counts)))


def _in_all(bags: Sequence[Counter[str]]) -> Counter[str]:
    found = bags[0]
    for bag in bags[1:]:
        found = found & bag
    return found


def canonical(value: Sequence[Value]) -> tuple[str, ...]:
    """The elements as canonical JSON, sorted; equal for two arrays that differ in order only."""
    return tuple(sorted(json.dumps(item, sort_keys=True, default=repr) for item in value))


def _pooled(shapes: list[Shape]) -> list[Shape]:
    """Where every element of an array varies in the same place, what was seen there belongs together: a few runs of
    many elements tell more of what is possible than a few runs of one.
    """
    if len(shapes) > 1 and all(isinstance(shape, VaryingNumber) for shape in shapes):
        seen = [number for shape in shapes if isinstance(shape, VaryingNumber) for number in shape.seen]
        return [VaryingNumber(summary(seen))] * len(shapes)
    objects = [shape for shape in shapes if isinstance(shape, Members)]
    if len(objects) < 2 or len(objects) < len(shapes) or len({frozenset(one.fixed) for one in objects}) > 1:
        return shapes
    columns = {key: _pooled([one.fixed[key] for one in objects]) for key in objects[0].fixed}
    return [Members({key: columns[key][place] for key in one.fixed}, one.varying) for place, one in enumerate(objects)]


def variations(shape: Shape, rules: Rules) -> list[tuple[Where, str]]:
    """What varies, where and in words; places that differ in an index only are told as one (`*`)."""
    told: dict[tuple[Where, str], list[tuple[Where, str]]] = {}
    for where, words in _variations(shape, rules, ()):
        starred: Where = tuple("*" if isinstance(step, int) else step for step in where)
        told.setdefault((starred, words.partition(",")[0]), []).append((where, words))
    return [(starred, short) if len(places) > 1 else places[0] for (starred, short), places in told.items()]


def _variations(shape: Shape, rules: Rules, where: Where) -> list[tuple[Where, str]]:
    match shape:
        case Same():
            return []
        case VaryingNumber() | VaryingText() | VaryingBytes():
            return [(where, describe(shape, rules))]
        case Members():
            found = [told for key, inner in shape.fixed.items() for told in _variations(inner, rules, (*where, key))]
            return found + [((*where, form), "members that come and go, or whose names vary") for form in shape.varying]
        case Elements():
            return [told for place, one in enumerate(shape.each) for told in _variations(one, rules, (*where, place))]
        case _:
            return [(where, describe(shape, rules))]


def describe(shape: Shape, rules: Rules) -> str:
    """A shape in a few words."""
    from slimml.verify.varying_numbers import describe as describe_number

    match shape:
        case Same():
            return shown(shape.value)
        case VaryingNumber():
            return describe_number(shape.seen, rules)
        case VaryingText():
            return shape.describe()
        case VaryingBytes():
            return f"other {shape.seen[0].what if isinstance(shape.seen[0], Blob) else 'numbers'} in every run"
        case VaryingTruth():
            return "true or false by turns"
        case OneOf():
            return " or ".join(f"a {kind}" for kind in sorted(shape.kinds)) + " by turns"
        case Several():
            return f"{_from_to(shape.least, shape.most)} elements"
        case AnyOrder():
            return f"the order of {len(shape.elements)} elements"
        case SomeLines():
            return f"the number or order of lines ({_from_to(*shape.counts)})"
        case _:
            return "an object" if isinstance(shape, Members) else "an array"


def _from_to(least: int, most: int) -> str:
    return str(least) if least == most else f"{least} to {most}"
