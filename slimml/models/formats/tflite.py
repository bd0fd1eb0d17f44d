"""TensorFlow Lite: a FlatBuffer of a Model (tensorflow/lite/schema/schema.fbs), read where it points, and no more."""

from __future__ import annotations

from typing import Final

from slimml.models.content import MOST_NAME_BYTES, MOST_TENSORS, Content, Unreadable, elements_of, text
from slimml.models.model_file import Format, ModelFile, Tensor, bytes_by_dtype

MAGIC: Final = b"TFL3"
"""the file identifier, at offset 4"""

_TYPES: Final = (
    "F32", "F16", "I32", "U8", "I64", "STRING", "BOOL", "I16", "C64", "I8", "F64", "C128", "U64", "RESOURCE", "VARIANT",
    "U32", "U16", "I4", "BF16", "I2", "U4",
)  # fmt: skip
_MOST_DIMENSIONS: Final = 32


class _Table:
    """A table of a FlatBuffer: fields by their number, through its vtable."""

    def __init__(self, content: Content, at: int) -> None:
        self.content, self.at = content, at
        self._vtable = at - int.from_bytes(content.at(at, 4), "little", signed=True)
        self._size = content.integer(self._vtable, 2)

    def field(self, number: int) -> int | None:
        """Where a field lies, None where it is absent."""
        slot = 4 + 2 * number
        offset = self.content.integer(self._vtable + slot, 2) if slot + 2 <= self._size else 0
        return self.at + offset if offset else None

    def integer(self, number: int, width: int) -> int:
        """A number, 0 where it is absent."""
        at = self.field(number)
        return 0 if at is None else self.content.integer(at, width)

    def vector(self, number: int) -> tuple[int, int]:
        """Where a vector's elements begin, and how many there are."""
        at = self.field(number)
        if at is None:
            return 0, 0
        start = at + self.content.integer(at, 4)
        return start + 4, self.content.integer(start, 4)

    def tables(self, number: int) -> list[_Table]:
        """The tables of a vector."""
        start, count = self.vector(number)
        if count > MOST_TENSORS:
            raise Unreadable(f"{count:,} tables in one vector")
        places = (start + 4 * position for position in range(count))
        return [_Table(self.content, place + self.content.integer(place, 4)) for place in places]


def read_tflite(content: Content) -> ModelFile:
    """The model in `content`: the tensors of its subgraphs that have content; raises Unreadable."""
    if content.at(4, 4) != MAGIC:
        raise Unreadable("not TensorFlow Lite")
    model = _Table(content, content.integer(0, 4))
    buffers = [_buffer(table) for table in model.tables(4)]
    tensors, seen = [], set()
    for graph in model.tables(2):
        for table in graph.tables(0):
            number = table.integer(2, 4)
            if number >= len(buffers):
                raise Unreadable(f"a tensor names buffer {number:,}, of {len(buffers):,}")
            place, size = buffers[number]
            if size and number not in seen:
                seen.add(number)
                tensors.append(_tensor(table, place, size))
    start, count = model.vector(3)
    described = text(content.at(start, min(count, 200))) if count else ""
    total = sum(tensor.bytes for tensor in tensors)
    other = sum(size for _, size in buffers) - total
    remarks = [f"schema version {model.integer(0, 4)}", *([described] if described else [])]
    return ModelFile(
        Format.TFLITE,
        content.size,
        parameters=sum(tensor.elements for tensor in tensors if tensor.dtype not in ("STRING", "OTHER")),
        bytes_by_dtype=bytes_by_dtype(tensors),
        tensors=tuple(tensors),
        remarks=(*remarks, *([f"{other:,} bytes in buffers that no tensor names (metadata)"] if other else [])),
    )


def _buffer(table: _Table) -> tuple[int, int]:
    """Where a buffer's bytes lie: inside the FlatBuffer, or behind it in a file of more than 2 GB."""
    start, count = table.vector(0)
    if not count:
        start, count = table.integer(1, 8), table.integer(2, 8)
        start, count = (start, count) if start > 1 else (0, 0)
    if start + count > table.content.size:
        raise Unreadable("a buffer that reaches past the end of the file")
    return start, count


def _tensor(table: _Table, place: int, size: int) -> Tensor:
    content = table.content
    kind = table.integer(1, 1)
    start, dimensions = table.vector(0)
    if dimensions > _MOST_DIMENSIONS:
        raise Unreadable(f"a tensor of {dimensions:,} dimensions")
    shape = tuple(content.integer(start + 4 * position, 4) for position in range(dimensions))
    elements_of(shape)
    at, length = table.vector(3)
    name = text(content.at(at, min(length, MOST_NAME_BYTES)))
    return Tensor(name, _TYPES[kind] if kind < len(_TYPES) else "OTHER", shape, size, place)
