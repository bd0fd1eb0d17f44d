"""Protocol buffers on the wire, field by field, without any schema and without loading what is skipped.

As in the encoding guide (protobuf.dev/programming-guides/encoding): varints, 64-bit, length-delimited, 32-bit. Groups,
which none of our formats use, count as damage.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from slimml.models.content import MOST_NAME_BYTES, Content, Cursor, Unreadable, text

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5

_MOST_VARINT_BYTES: Final = 10
_MOST_SMALL: Final = 1 << 20


class Field(NamedTuple):
    """One field: `value` of a number, else where its bytes lie in the content, from `start` to `end`."""

    number: int
    kind: int
    value: int
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of a length-delimited field's content."""
        return self.end - self.start


def fields(content: Content, start: int = 0, end: int | None = None) -> Iterator[Field]:
    """The fields of the message that lies from `start` to `end`; raises Unreadable where that is none."""
    cursor = Cursor(content, start, end)
    while cursor.left:
        at = cursor.position
        content.step()
        tag = _varint(cursor)
        number, kind = tag >> 3, tag & 7
        if not number:
            raise Unreadable(f"a field numbered 0 at offset {at:,}")
        if kind == VARINT:
            yield Field(number, kind, _varint(cursor), at, cursor.position)
        elif kind == BYTES:
            size = _varint(cursor)
            first = cursor.position
            cursor.skip(size)
            yield Field(number, kind, 0, first, first + size)
        elif kind in (FIXED64, FIXED32):
            first = cursor.position
            width = 8 if kind == FIXED64 else 4
            yield Field(number, kind, int.from_bytes(cursor.read(width), "little"), first, first + width)
        else:
            raise Unreadable(f"a field of wire type {kind} at offset {at:,}")


def words(content: Content, field: Field) -> str:
    """The text of a length-delimited field."""
    _expect(field, BYTES)
    return text(content.at(field.start, min(field.size, MOST_NAME_BYTES)))


def signed(value: int) -> int:
    """A varint as the int64 that it encodes."""
    return value - (1 << 64) if value >= 1 << 63 else value


def integers(content: Content, field: Field) -> list[int]:
    """The numbers of a repeated int64 field: one, or those packed into one stretch."""
    if field.kind == VARINT:
        return [signed(field.value)]
    _expect(field, BYTES)
    if field.size > _MOST_SMALL:
        raise Unreadable(f"{field.size:,} bytes of packed numbers at offset {field.start:,}")
    cursor = Cursor(content, field.start, field.end)
    found = []
    while cursor.left:
        content.step()
        found.append(signed(_varint(cursor)))
    return found


def real(field: Field) -> float:
    """A 32-bit field as a float."""
    _expect(field, FIXED32)
    found: float = struct.unpack("<f", field.value.to_bytes(4, "little"))[0]
    return found


def _expect(field: Field, kind: int) -> None:
    if field.kind != kind:
        raise Unreadable(f"field {field.number} at offset {field.start:,} has wire type {field.kind}, not {kind}")


def _varint(cursor: Cursor) -> int:
    value = shift = 0
    while True:
        byte = cursor.byte()
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF
        shift += 7
        if shift >= 7 * _MOST_VARINT_BYTES:
            raise Unreadable(f"a number of more than {_MOST_VARINT_BYTES} bytes before offset {cursor.position:,}")
