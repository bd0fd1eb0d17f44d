"""NumPy arrays that a pickle describes: inside it or, as joblib writes them, in the stream behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from slimml.models.content import Cursor, Unreadable, elements_of
from slimml.models.pickles.machine import Loaded, load
from slimml.models.pickles.values import Blob, Global, Made, Pairs, Persistent

WRAPPER: Final = "joblib.numpy_pickle.NumpyArrayWrapper"
_RECONSTRUCT: Final = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
_FROM_BUFFER: Final = ("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer")
MAKERS: Final = frozenset((WRAPPER, *_RECONSTRUCT, *_FROM_BUFFER))
"""Whole names of what makes arrays: a pickle that imports none of them has none"""
_KINDS: Final = {"f": "F", "i": "I", "u": "U", "c": "C"}
_MOST_DIMENSIONS: Final = 64
_MOST_ITEM_BYTES: Final = 1 << 24


class Dtype(NamedTuple):
    """A NumPy dtype: its word, the bytes of an item, the numbers in one, whether items are objects of Python."""

    word: str
    item_bytes: int
    numbers: int
    objects: bool = False


class Array(NamedTuple):
    """An array: `offset` is where its bytes lie in the stream, None where not in one piece as they are."""

    dtype: Dtype
    shape: tuple[int, ...]
    offset: int | None

    @property
    def bytes(self) -> int:
        """What its items take."""
        return elements_of(self.shape) * self.dtype.item_bytes


def following(loaded: Loaded, found: dict[int, int | None]) -> Callable[[Made, Cursor], None]:
    """For the machine: passes over the arrays that joblib writes behind their wrappers (joblib/numpy_pickle.py).

    `found` gets where each lies, by the identity of its wrapper. An array of objects is a pickle of its own.
    """

    def built(wrapper: Made, cursor: Cursor) -> None:
        if not wrapper.calls(WRAPPER):
            return
        state = wrapper.state()
        dtype, shape = _described(state)
        if dtype.objects:
            inner = load(cursor, into=Loaded(globals=loaded.globals))
            if inner.broken:
                raise Unreadable(inner.broken)
            found[id(wrapper)] = None
            return
        if isinstance(state, Pairs) and type(state.get("numpy_array_alignment_bytes")) is int:
            cursor.skip(cursor.byte())
        found[id(wrapper)] = cursor.position
        cursor.skip(elements_of(shape) * dtype.item_bytes)

    return built


def array_at(value: Any, joblib: dict[int, int | None]) -> Array | None:
    """The array that an object of the pickle would be, None where it is none; raises Unreadable."""
    if not isinstance(value, Made):
        return None
    if value.calls(WRAPPER):
        dtype, shape = _described(value.state())
        return Array(dtype, shape, joblib.get(id(value)))
    if value.calls(*_RECONSTRUCT):
        state = value.state()
        if not isinstance(state, tuple) or len(state) != 5:
            return None
        return Array(_dtype(state[2]), _shape(state[1]), _place(state[4]))
    if value.calls(*_FROM_BUFFER) and isinstance(value.arguments, tuple) and len(value.arguments) >= 3:
        return Array(_dtype(value.arguments[1]), _shape(value.arguments[2]), _place(value.arguments[0]))
    return None


def _described(state: Any) -> tuple[Dtype, tuple[int, ...]]:
    if not isinstance(state, Pairs):
        raise Unreadable("an array of joblib without a description")
    return _dtype(state.get("dtype")), _shape(state.get("shape"))


def _place(value: Any) -> int | None:
    return value.offset if isinstance(value, Blob) and value.kind != "str" else None


def _shape(value: Any) -> tuple[int, ...]:
    if not isinstance(value, tuple) or len(value) > _MOST_DIMENSIONS or not all(type(one) is int for one in value):
        raise Unreadable("an array whose shape is none")
    elements_of(value)
    return value


def _dtype(value: Any) -> Dtype:
    """A dtype as NumPy pickles it: `dtype("f8")` with a state of eight or nine members."""
    if isinstance(value, Persistent | None) or not isinstance(value, Made) or not isinstance(value.called, Global):
        raise Unreadable("an array whose dtype is none")
    arguments, state = value.arguments, value.state()
    code = arguments[0] if isinstance(arguments, tuple) and arguments else None
    if type(code) is not str or len(code) < 2 or not (code[1:].isascii() and code[1:].isdigit() and len(code) < 10):
        raise Unreadable(f"an array of dtype {str(code)[:40]!r}, which is not known")
    told = state if isinstance(state, tuple) and len(state) >= 7 else ()
    size = told[5] if told and type(told[5]) is int and told[5] > 0 else int(code[1:])
    if size > _MOST_ITEM_BYTES:
        raise Unreadable(f"an array whose items have {size:,} bytes")
    if code[0] == "V":
        pairs = told[4].items if told and isinstance(told[4], Pairs) else []
        inner = [member[0] for _, member in pairs if isinstance(member, tuple) and member]
        return Dtype("RECORD", size, max(1, len(inner)), any(_holds_objects(one) for one in inner))
    if code[0] == "O":
        return Dtype("OBJECT", size, 0, objects=True)
    if code[0] in "SUM":
        return Dtype("STRING" if code[0] != "M" else "I64", size * 4 if code[0] == "U" and not told else size, 0)
    if code[0] == "b":
        return Dtype("BOOL" if size == 1 else "OTHER", size, 1)
    return Dtype(f"{_KINDS[code[0]]}{size * 8}" if code[0] in _KINDS else "OTHER", size, 1)


def _holds_objects(value: Any) -> bool:
    return isinstance(value, Made) and isinstance(value.arguments, tuple) and value.arguments[:1] == ("O8",)
