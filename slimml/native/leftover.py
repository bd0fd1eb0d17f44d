"""Bytes of an ELF file that no table names: padding, what patchelf left behind, or something that is not to be lost.

An archive or a program's data appended to a file, or put between its parts, is found by those who know of it; nothing
in the ELF tables tells. Only zeros and section tables that an edit of the file left behind are known to be of no use.
"""

from __future__ import annotations

import struct

from slimml.errors import Unsupported
from slimml.native.elf_file import HEADER_BYTES, SECTION_BYTES, SEGMENT_BYTES, ElfFile

_PIECE = 1 << 20
_MOST_GAP = 64 << 20
_MOST_TABLE = SECTION_BYTES * 4096
_MOST_END = 0x1000
_SECTION = struct.Struct("<IIQQQQIIQQ")
_KINDS = frozenset(range(20)) | frozenset(range(0x6FFFFFF0, 0x70000000)) | {0x70000001}


def check_leftovers(elf: ElfFile) -> None:
    """Raise Unsupported where bytes that no table names may be of use to somebody."""
    for start, end in _gaps(elf):
        last = end == elf.size
        if end - start > (_MOST_END if last else _MOST_GAP) or not _is_padding(elf, start, end):
            raise Unsupported(f"bytes that no table names {'after its last part' if last else 'between its parts'}")


def _gaps(elf: ElfFile) -> list[tuple[int, int]]:
    header = elf.header
    named = [
        (0, HEADER_BYTES),
        (header.phoff, header.phoff + header.phnum * SEGMENT_BYTES),
        (header.shoff, header.shoff + header.shnum * SECTION_BYTES),
        *((one.offset, one.file_end) for one in elf.sections if one.file_bytes),
        *((one.offset, one.file_end) for one in elf.segments if one.filesz),
        (elf.size, elf.size),
    ]
    found, position = [], 0
    for start, end in sorted(named):
        if start > position:
            found.append((position, start))
        position = max(position, end)
    return found


def _is_padding(elf: ElfFile, start: int, end: int) -> bool:
    """Whether the bytes are zeros, or zeros and one old section table, as patchelf leaves where it wrote another."""
    first = elf.read(start, min(end - start, _MOST_TABLE))
    used = len(first.rstrip(b"\0"))
    if used and not (end < elf.size and _is_section_table(first[-start % 8 :], elf.size)):
        return False
    for offset in range(start + len(first), end, _PIECE):
        if elf.read(offset, min(_PIECE, end - offset)).strip(b"\0"):
            return False
    return True


def _is_section_table(data: bytes, size: int) -> bool:
    """Whether `data` begins with an empty section header and those of sections, and goes on with zeros."""
    if data[:SECTION_BYTES].strip(b"\0"):
        return False
    used = -(-len(data.rstrip(b"\0")) // SECTION_BYTES) * SECTION_BYTES
    entries = _SECTION.iter_unpack(data[:used].ljust(used, b"\0"))
    return all(_may_be_section(entry, size) for entry in entries)


def _may_be_section(entry: tuple[int, ...], size: int) -> bool:
    name, kind, _, _, offset, _, _, _, alignment, _ = entry
    return kind in _KINDS and name < size and offset <= size and not alignment & (alignment - 1)
