"""The members of a zip archive and where their bytes lie (APPNOTE.TXT 6.3, sections 4.3.7 to 4.3.16)."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from slimml.models.content import Content, Cursor, Unreadable, text

MAGIC: Final = b"PK\x03\x04"
STORED: Final = 0
DEFLATED: Final = 8
MOST_MEMBERS: Final = 300_000

_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR: Final = struct.Struct("<4sLQL")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_MOST_COMMENT: Final = 0xFFFF
_NONE32: Final = 0xFFFF_FFFF
_ENCRYPTED: Final = 1


@dataclass(frozen=True, slots=True)
class Member:
    """A member: `size` bytes, of which `stored` are in the archive; `header` is the offset of its local header."""

    name: str
    method: int
    size: int
    stored: int
    header: int
    crc: int


def members_of(content: Content) -> list[Member]:
    """The members in the order of the central directory; raises Unreadable."""
    count, size, start = _end(content)
    if count > MOST_MEMBERS:
        raise Unreadable(f"an archive of {count:,} members, more than {MOST_MEMBERS:,}")
    cursor = Cursor(content, start, start + size) if start + size <= content.size else None
    if cursor is None:
        raise Unreadable("its central directory reaches past the end")
    found = []
    for _ in range(count):
        content.step()
        found.append(_member(cursor))
    return found


def _end(content: Content) -> tuple[int, int, int]:
    """Count, bytes and offset of the central directory's entries."""
    if content.size < _END.size:
        raise Unreadable("an archive without an end")
    first = max(0, content.size - _END.size - _MOST_COMMENT)
    tail = content.at(first, content.size - first)
    at = tail.rfind(b"PK\x05\x06", 0, len(tail) - _END.size + 4)
    if at < 0:
        raise Unreadable("an archive without its central directory: it ends early")
    _, _, _, _, count, size, start, _ = _END.unpack_from(tail, at)
    where = first + at - _LOCATOR.size
    if where >= 0 and content.at(where, 4) == b"PK\x06\x07":
        _, _, end64, _ = _LOCATOR.unpack(content.at(where, _LOCATOR.size))
        magic, *_, count, size, start = _END64.unpack(content.at(end64, _END64.size))
        if magic != b"PK\x06\x06":
            raise Unreadable("a zip64 archive without its end record")
    return count, size, start


def _member(cursor: Cursor) -> Member:
    (magic, _, _, flags, method, _, _, crc, stored, size, name_size, extra_size, comment_size, _, _, _, header) = (
        _ENTRY.unpack(cursor.read(_ENTRY.size))
    )
    if magic != b"PK\x01\x02":
        raise Unreadable(f"no entry of a central directory at offset {cursor.position - _ENTRY.size:,}")
    if flags & _ENCRYPTED:
        raise Unreadable("an encrypted archive")
    name = text(cursor.read(name_size))
    size, stored, header = _wide(cursor.read(extra_size), size, stored, header)
    cursor.skip(comment_size)
    return Member(name, method, size, stored, header, crc)


def _wide(extra: bytes, size: int, stored: int, header: int) -> tuple[int, int, int]:
    """The 64-bit numbers of the zip64 extra field in place of those that say to look there."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        field = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if kind != 1:
            continue
        numbers = iter([int.from_bytes(field[i : i + 8], "little") for i in range(0, len(field) - 7, 8)])
        size = next(numbers, size) if size == _NONE32 else size
        stored = next(numbers, stored) if stored == _NONE32 else stored
        header = next(numbers, header) if header == _NONE32 else header
    return size, stored, header


def data_offset(content: Content, member: Member) -> int:
    """Where a member's stored bytes begin; raises Unreadable where they reach past the end."""
    magic, *_, name_size, extra_size = _LOCAL.unpack(content.at(member.header, _LOCAL.size))
    if magic != MAGIC:
        raise Unreadable(f"member {member.name[:100]!r} is not where the archive says")
    start: int = member.header + _LOCAL.size + name_size + extra_size
    if start + member.stored > content.size:
        raise Unreadable(f"member {member.name[:100]!r} reaches past the end")
    return start


def member_content(content: Content, member: Member, most: int) -> Content:
    """What a member holds, at most `most` bytes; raises Unreadable."""
    if member.size > most:
        raise Unreadable(f"member {member.name[:100]!r} of {member.size:,} bytes, more than {most:,}")
    start = data_offset(content, member)
    if member.method == STORED and member.stored == member.size:
        return Content(lambda offset, count: content.at(start + offset, count), member.size)
    if member.method != DEFLATED:
        raise Unreadable(f"member {member.name[:100]!r} is compressed by method {member.method}")
    try:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content.at(start, member.stored), member.size + 1)
    except zlib.error as error:
        raise Unreadable(f"member {member.name[:100]!r}: {error}") from None
    if len(data) != member.size:
        raise Unreadable(f"member {member.name[:100]!r} does not hold the {member.size:,} bytes that it says")
    return Content.of_bytes(data)
