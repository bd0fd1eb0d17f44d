"""Holds a rewritten ELF file against its original: the same memory at the same addresses, and tables that say so.

It reads the result anew and does not know the plan that made it. Any difference that the edit does not ask for is a
doubt, raised as Unsupported.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from slimml.errors import Unsupported
from slimml.native.elf_file import (
    HEADER_BYTES,
    PF_X,
    PT_LOAD,
    PT_PHDR,
    SECTION_BYTES,
    SEGMENT_BYTES,
    SHF_EXECINSTR,
    SHT_NULL,
    ElfFile,
    Section,
    Segment,
)
from slimml.native.expected import Expected
from slimml.native.leftover import check_leftovers
from slimml.native.outcome import Edit, Range
from slimml.native.room import Room
from slimml.native.soundness import check_loadable, check_sound

_PIECE = 1 << 20


def check_result(old: ElfFile, new: ElfFile, edit: Edit, room: Room, dropped: Collection[int]) -> None:
    """Raise Unsupported with the first thing that is not as it must be. Reads both files once, 1 MiB at a time."""
    check_loadable(new)
    check_sound(new)
    check_leftovers(new)
    _check_header(old, new)
    _check_segments(old, new, room)
    _check_sections(old, new, edit, room, dropped)
    _check_memory(old, new, edit, room)


def _doubt(what: str) -> Unsupported:
    return Unsupported(f"the result was not right: {what}")


def _check_header(old: ElfFile, new: ElfFile) -> None:
    told = new.header
    same = old.header._replace(phnum=told.phnum, shoff=told.shoff, shnum=told.shnum, shstrndx=told.shstrndx)
    if same != told:
        raise _doubt("its header")


def _check_segments(old: ElfFile, new: ElfFile, room: Room) -> None:
    before = [one for one in old.segments if one.type != PT_LOAD]
    after = [one for one in new.segments if one.type != PT_LOAD]
    if [one.type for one in before] != [one.type for one in after]:
        raise _doubt("its segments")
    for one, other in zip(before, after, strict=True):
        shift = room.shift(one.vaddr, one.filesz) if one.type != PT_PHDR else 0
        expected = replace(one, offset=other.offset, vaddr=one.vaddr + shift, paddr=one.paddr + shift)
        if one.type == PT_PHDR:
            size = new.header.phnum * SEGMENT_BYTES
            expected = replace(expected, filesz=size, memsz=size)
        if expected != other:
            raise _doubt(f"its segment of type {one.type:#x}")
    if _without(_in_file(old), room.holes) != _without(_in_file(new), ()):
        raise _doubt("the addresses of its segments")
    if _without(_in_memory(old), room.holes) != _without(_in_memory(new), ()):
        raise _doubt("the memory of its segments")
    for load in new.loads():
        _check_rights(old, load)


def _check_rights(old: ElfFile, load: Segment) -> None:
    origin = next((one for one in old.loads() if one.vaddr <= load.vaddr < one.vaddr + max(one.memsz, 1)), None)
    if origin is None or load.flags not in (origin.flags, origin.flags & ~PF_X):
        raise _doubt("the rights of a segment")
    code = (one for one in old.sections if one.allocated and one.flags & SHF_EXECINSTR)
    if load.flags != origin.flags and any(load.vaddr <= one.addr < load.vaddr + load.memsz for one in code):
        raise _doubt("the rights of a segment")
    if load.align != origin.align and max((one.addralign for one in _inside(old, load)), default=1) > load.align:
        raise _doubt("the alignment of a segment")


def _inside(elf: ElfFile, load: Segment) -> Iterable[Section]:
    return (one for one in elf.sections if one.allocated and load.vaddr <= one.addr < load.vaddr + load.memsz)


def _in_file(elf: ElfFile) -> Iterable[Range]:
    return (Range(one.vaddr, one.vaddr + one.filesz) for one in elf.loads())


def _in_memory(elf: ElfFile) -> Iterable[Range]:
    return (Range(one.vaddr, one.vaddr + one.memsz) for one in elf.loads())


def _without(ranges: Iterable[Range], holes: Collection[Range]) -> list[Range]:
    """Ranges that are not empty, without the holes, those that touch made one, in order."""
    found: list[Range] = []
    for one in sorted(ranges):
        start = one.start
        for hole in sorted(holes):
            if start < hole.end and hole.start < one.end:
                found.append(Range(start, max(hole.start, start)))
                start = min(hole.end, one.end)
        found.append(Range(start, one.end))
    merged: list[Range] = []
    for one in found:
        if one.start == one.end:
            continue
        if merged and merged[-1].end == one.start:
            merged[-1] = Range(merged[-1].start, one.end)
        else:
            merged.append(one)
    return merged


def _check_sections(old: ElfFile, new: ElfFile, edit: Edit, room: Room, dropped: Collection[int]) -> None:
    before = [(index, one) for index, one in enumerate(old.sections) if index not in dropped and one.type != SHT_NULL]
    after = [(index, one) for index, one in enumerate(new.sections) if one.type != SHT_NULL]
    if len(before) != len(after):
        raise _doubt("the number of its sections")
    for (number, one), (new_number, other) in zip(before, after, strict=True):
        expected = replace(one, offset=other.offset, link=other.link, info=other.info)
        if one.allocated:
            shift = room.shift(one.addr, one.file_bytes)
            expected = replace(expected, addr=one.addr + shift, size=one.size - room.shortened(one))
        if expected != other or old.sections[one.link].name != new.sections[other.link].name:
            raise _doubt(f"section {one.name}")
        if one.info != other.info and old.sections[one.info].name != new.sections[other.info].name:
            raise _doubt(f"what section {one.name} belongs to")
        if one.allocated and number != new_number:
            raise _doubt(f"the number of section {one.name}")
        if not one.allocated:
            _check_content(old, one, new, other, edit, room)


def _check_content(old: ElfFile, one: Section, new: ElfFile, other: Section, edit: Edit, room: Room) -> None:
    patches = [(at, data) for at, data in (*edit.patches.items(), *room.patches) if one.offset <= at < one.file_end]
    for position in range(0, one.file_bytes, _PIECE):
        size = min(_PIECE, one.file_bytes - position)
        wanted = bytearray(old.read(one.offset + position, size))
        for at, data in patches:
            start = at - one.offset - position
            if -len(data) < start < size:
                wanted[max(start, 0) : start + len(data)] = data[max(-start, 0) : size - start]
        if wanted != new.read(other.offset + position, size):
            raise _doubt(f"the content of section {one.name}")


def _check_memory(old: ElfFile, new: ElfFile, edit: Edit, room: Room) -> None:
    """Every byte of every segment, but for the header and the two tables, which `_check_*` looked at."""
    expected = Expected(old, edit, room)
    tables = [
        Range(0, HEADER_BYTES),
        Range(new.header.phoff, new.header.phoff + new.header.phnum * SEGMENT_BYTES),
        Range(new.header.shoff, new.header.shoff + old.header.shnum * SECTION_BYTES),
    ]
    for load in new.loads():
        for position in range(load.offset, load.file_end, _PIECE):
            size = min(_PIECE, load.file_end - position)
            wanted = expected.read(position - load.offset + load.vaddr, size)
            found = new.read(position, size)
            if wanted != found and not _equal_but(wanted, found, position, tables):
                raise _doubt("bytes of a segment")


def _equal_but(wanted: bytes, found: bytes, position: int, tables: list[Range]) -> bool:
    one, other = bytearray(wanted), bytearray(found)
    for table in tables:
        start, end = max(table.start - position, 0), min(table.end - position, len(wanted))
        if start < end:
            one[start:end] = other[start:end] = bytes(end - start)
    return one == other
