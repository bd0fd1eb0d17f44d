"""Tensors and arrays that a pickle describes, each with its place in the pickle's tree; the optimizer's told apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from slimml.models.content import MOST_TENSORS, Content, Unreadable
from slimml.models.pickles.values import Global, Made, Pairs, Persistent, Sequence, pairs_of

DTYPES: Final = {
    "Double": ("F64", 8), "Float": ("F32", 4), "Half": ("F16", 2), "BFloat16": ("BF16", 2), "Long": ("I64", 8),
    "Int": ("I32", 4), "Short": ("I16", 2), "Char": ("I8", 1), "Byte": ("U8", 1), "Bool": ("BOOL", 1),
    "ComplexDouble": ("C128", 16), "ComplexFloat": ("C64", 8), "QInt8": ("QI8", 1), "QUInt8": ("QU8", 1),
    "QInt32": ("QI32", 4), "QUInt4x2": ("QU4", 1), "QUInt2x4": ("QU2", 1), "Untyped": ("U8", 1),
}  # fmt: skip
"""torch's typed storages: the word for their dtype, and the bytes of an element"""

_TORCH_DTYPES: Final = {
    "float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
    "int16": "I16", "int8": "I8", "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "bool": "BOOL",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
}  # fmt: skip
_TRANSPARENT: Final = frozenset({"_modules", "_parameters", "_buffers", "__dict__"})
_REBUILDS: Final = frozenset({"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor"})
_MOST_DIMENSIONS: Final = 64
_LONGEST_PATH: Final = 512
_OPTIMIZER_KEYS: Final = frozenset({"state", "param_groups"})


@dataclass(frozen=True, slots=True)
class Storage:
    """A torch storage: `key` names it in the file, `bytes` it takes; `view` where it is a part of another one."""

    key: str
    dtype: str
    item_bytes: int
    bytes: int
    view: bool = False


@dataclass(frozen=True, slots=True)
class TensorView:
    """A tensor as a pickle describes it. `offset` counts elements from the storage's beginning."""

    storage: Storage
    dtype: str
    shape: tuple[int, ...]
    offset: int
    contiguous: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Something found in a pickle's tree: its path of keys, and whether it belongs to an optimizer's state."""

    path: str
    value: Any
    optimizer: str = ""


def is_optimizer_state(value: Any) -> bool:
    """Whether a value is what `torch.optim.Optimizer.state_dict` gives: "state" by parameter, and "param_groups"."""
    if not isinstance(value, Pairs):
        return False
    return value.keys() >= _OPTIMIZER_KEYS and isinstance(value.get("param_groups"), Sequence)


def places(root: Any, content: Content) -> Iterator[Place]:
    """Everything in the tree that is made by a call or only named, each object once, in the order of the pickle."""
    seen: set[int] = set()
    waiting = [Place("", root)]
    while waiting:
        place = waiting.pop()
        value = place.value
        if isinstance(value, Made | Persistent):
            if id(value) in seen:
                continue
            yield place
        if isinstance(value, Made | Pairs | Sequence | tuple):
            if id(value) in seen:
                continue
            content.step()
            seen.add(id(value))
            waiting.extend(reversed(_inside(place)))


def _inside(place: Place) -> list[Place]:
    value, optimizer = place.value, place.optimizer
    if is_optimizer_state(value):
        optimizer = optimizer or place.path or "."

    def at(key: Any, inner: Any) -> Place:
        return Place(_joined(place.path, key), inner, optimizer)

    if isinstance(value, Made):
        if torch_tensor(value) is not None:
            return []
        found = [Place(place.path, inner, optimizer) for inner in (value.called, value.arguments, value.keywords)]
        for kind, filled in value.filled:
            if kind == "append":
                found += [at(number, inner) for number, inner in enumerate(filled)]
            elif kind == "pairs":
                found += [at(key, inner) for key, inner in filled.items]
            else:
                found.append(Place(place.path, filled, optimizer))
        return found
    if isinstance(value, Pairs):
        return [at(key, inner) for key, inner in value.items]
    items = value.items if isinstance(value, Sequence) else value
    return [at(number, inner) for number, inner in enumerate(items)]


def _joined(path: str, key: Any) -> str:
    if key in _TRANSPARENT if type(key) is str else False:
        return path
    word = str(key) if type(key) in (str, int, bool) else "?"
    return (f"{path}.{word}" if path else word)[:_LONGEST_PATH]


def torch_tensor(value: Any) -> TensorView | None:
    """The tensor that a call would rebuild (torch/_utils.py), None where it is none.

    Parameters, which wrap a tensor, are passed over: their tensor is found inside them. Raises Unreadable.
    """
    if not isinstance(value, Made) or not isinstance(value.called, Global) or value.called.module != "torch._utils":
        return None
    name, arguments = value.called.name, value.arguments
    if name not in _REBUILDS or not isinstance(arguments, tuple) or len(arguments) < 4:
        return None
    storage = torch_storage(arguments[0])
    if storage is None:
        return None
    offset, shape, stride = arguments[1:4]
    if (
        type(offset) is not int
        or offset < 0
        or not _lengths(shape)
        or not _lengths(stride)
        or len(shape) != len(stride)
    ):
        raise Unreadable("a tensor whose shape and strides are none")
    dtype, width = storage.dtype, storage.item_bytes
    if name == "_rebuild_tensor_v3" and len(arguments) > 6 and isinstance(arguments[6], Global):
        dtype, width = _torch_dtype(arguments[6].name)
    if 0 not in shape:
        last = offset + sum((length - 1) * step for length, step in zip(shape, stride, strict=True))
        if (last + 1) * width > storage.bytes:
            raise Unreadable(f"a tensor that reaches past its storage {storage.key[:100]!r}")
    return TensorView(storage, dtype, shape, offset, _is_contiguous(shape, stride))


def torch_storage(value: Any) -> Storage | None:
    """The storage that a persistent id names (torch/serialization.py), None where it names none."""
    name = value.name if isinstance(value, Persistent) else None
    if not isinstance(name, tuple) or len(name) < 5 or name[0] != "storage" or not isinstance(name[1], Global):
        return None
    kind, key, count = name[1].name, name[2], name[4]
    if type(key) not in (str, int) or type(count) is not int or not 0 <= count < 1 << 50:
        raise Unreadable("a storage whose name or length is none")
    dtype, width = DTYPES.get(kind.removesuffix("Storage"), ("OTHER", 0))
    if not width:
        raise Unreadable(f"a storage of type {kind[:60]!r}, which is not known")
    return Storage(str(key), dtype, width, count * width, view=len(name) > 5 and name[5] is not None)


def checked_count(found: list[Any]) -> None:
    """Raises Unreadable when there are more than any model has."""
    if len(found) > MOST_TENSORS:
        raise Unreadable(f"more than {MOST_TENSORS:,} tensors")


def _torch_dtype(name: str) -> tuple[str, int]:
    word = _TORCH_DTYPES.get(name)
    if word is None:
        raise Unreadable(f"a tensor of dtype {name[:60]!r}, which is not known")
    bits = "".join(digit for digit in word.partition("_")[0] if digit.isdigit()) or "8"
    return word, int(bits) // 8


def _lengths(value: Any) -> bool:
    return (
        isinstance(value, tuple) and len(value) <= 64 and all(type(one) is int and 0 <= one < 1 << 50 for one in value)
    )


def _is_contiguous(shape: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    expected = 1
    for length, step in zip(reversed(shape), reversed(stride), strict=True):
        if length != 1 and step != expected:
            return False
        expected *= length
    return True


def keys_of(root: Any) -> list[str]:
    """The words among the keys of the outermost dict."""
    return [key for key, _ in pairs_of(root) if type(key) is str]
