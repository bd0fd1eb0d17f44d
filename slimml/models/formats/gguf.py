"""GGUF: key-value pairs, then the list of tensors, then their data (ggml's docs/gguf.md, versions 2 and 3)."""

from __future__ import annotations

import struct
from typing import Any, Final

from slimml.models.content import MOST_NAME_BYTES, MOST_TENSORS, Content, Cursor, Unreadable, elements_of, text
from slimml.models.model_file import Format, ModelFile, Tensor, bytes_by_dtype

MAGIC: Final = b"GGUF"
_MOST_DIMENSIONS: Final = 8
_DEEPEST: Final = 4
_DEFAULT_ALIGNMENT: Final = 32

_SCALARS: Final = {
    0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d",
}  # fmt: skip
_STRING, _ARRAY = 8, 9

_TYPES: Final = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip
"""ggml_type: its name, the numbers in a block, the bytes of a block"""


def read_gguf(content: Content) -> ModelFile:
    """The model in `content`, its list of tensors held against the file's size; raises Unreadable."""
    cursor = Cursor(content)
    if cursor.read(4) != MAGIC:
        raise Unreadable("not GGUF")
    version = _number(cursor, "<I")
    if version not in (2, 3):
        raise Unreadable(f"GGUF of version {version}, where 2 and 3 are known")
    count, pairs = _number(cursor, "<Q"), _number(cursor, "<Q")
    if count > MOST_TENSORS:
        raise Unreadable(f"{count:,} tensors, more than {MOST_TENSORS:,}")
    told: dict[str, Any] = {}
    for _ in range(pairs):
        content.step()
        key = _string(cursor)
        value = _value(cursor, _number(cursor, "<I"), 0)
        if key in ("general.architecture", "general.name", "general.alignment"):
            told[key] = value
    tensors = [_tensor(cursor) for _ in range(count)]
    alignment = told.get("general.alignment", _DEFAULT_ALIGNMENT)
    if not isinstance(alignment, int) or not 0 < alignment <= 1 << 20:
        raise Unreadable(f"an alignment of {str(alignment)[:40]}")
    first = -(-cursor.position // alignment) * alignment
    placed = [Tensor(one.name, one.dtype, one.shape, one.bytes, first + (one.offset or 0)) for one in tensors]
    for one in placed:
        if (one.offset or 0) + one.bytes > content.size:
            raise Unreadable(f"tensor {one.name[:100]!r} reaches past the end of the file")
    named = [f"{key.partition('.')[2]}: {told[key]}" for key in ("general.architecture", "general.name") if key in told]
    return ModelFile(
        Format.GGUF,
        content.size,
        parameters=sum(one.elements for one in placed),
        bytes_by_dtype=bytes_by_dtype(placed),
        tensors=tuple(placed),
        remarks=(f"GGUF version {version}", *named),
    )


def _tensor(cursor: Cursor) -> Tensor:
    cursor.content.step()
    name = _string(cursor)
    dimensions = _number(cursor, "<I")
    if dimensions > _MOST_DIMENSIONS:
        raise Unreadable(f"tensor {name[:100]!r} has {dimensions:,} dimensions")
    # GGUF tells the innermost dimension first.
    shape = tuple(reversed([_number(cursor, "<Q") for _ in range(dimensions)]))
    kind, offset = _number(cursor, "<I"), _number(cursor, "<Q")
    dtype, block, block_bytes = _TYPES.get(kind, ("OTHER", 1, 0))
    return Tensor(name, dtype, shape, -(-elements_of(shape) // block) * block_bytes, offset)


def _value(cursor: Cursor, kind: int, depth: int) -> Any:
    """One value; of arrays nothing is kept."""
    if kind == _STRING:
        return _string(cursor)
    if kind in _SCALARS:
        return _number(cursor, _SCALARS[kind])
    if kind != _ARRAY or depth > _DEEPEST:
        raise Unreadable(f"a value of type {kind} at offset {cursor.position:,}")
    inner, count = _number(cursor, "<I"), _number(cursor, "<Q")
    if inner in _SCALARS:
        cursor.skip(count * struct.calcsize(_SCALARS[inner]))
        return None
    for _ in range(count):
        cursor.content.step()
        if inner == _STRING:
            cursor.skip(_number(cursor, "<Q"))
        else:
            _value(cursor, inner, depth + 1)
    return None


def _string(cursor: Cursor) -> str:
    size = _number(cursor, "<Q")
    kept = cursor.read(min(size, MOST_NAME_BYTES))
    cursor.skip(size - len(kept))
    return text(kept)


def _number(cursor: Cursor, kind: str) -> Any:
    return struct.unpack(kind, cursor.read(struct.calcsize(kind)))[0]
