"""Where everything of an ELF file goes when bytes leave it: a plan, made from the tables alone.

Virtual addresses stay. Each PT_LOAD, cut where pages are freed, moves to the front as far as its alignment lets it;
what lies in it follows by address. Other sections come behind, then the section table. The program header table stays
where it is, since GNU strip damages files in which it was moved.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from slimml.errors import Unsupported
from slimml.native.elf_file import (
    PF_X,
    PT_LOAD,
    PT_PHDR,
    SECTION_BYTES,
    SEGMENT_BYTES,
    SHF_EXECINSTR,
    SHF_INFO_LINK,
    SHT_NOBITS,
    SHT_NULL,
    SHT_REL,
    SHT_RELA,
    ElfFile,
    Header,
    Section,
    Segment,
)
from slimml.native.outcome import Range
from slimml.native.room import Room
from slimml.native.soundness import SMALLEST_PAGE

_PADDING_WORTH = 0x10000
"""bytes of padding from which on a segment's alignment is lowered to pages"""
_INACTIVE = Section(0, SHT_NULL, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Piece:
    """`size` bytes of the old file at `start`, which stand at `offset` in the new one."""

    start: int
    size: int
    offset: int

    @property
    def end(self) -> int:
        """The offset in the old file after its last byte."""
        return self.start + self.size


@dataclass(frozen=True)
class Layout:
    """The new file's tables, where the old one's bytes go in it, and its size in bytes."""

    header: Header
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    pieces: tuple[Piece, ...]
    moved: Piece | None
    """what stood behind the program headers and had to make room"""
    table_room: int
    """bytes that the section table may fill where it lies in a segment; else its own size"""
    size: int

    def place_of(self, offset: int) -> int | None:
        """Where the byte at `offset` of the old file is in the new one; None where it is not."""
        for piece in (self.moved, *self.pieces):
            if piece is not None and piece.start <= offset < piece.end:
                return piece.offset + offset - piece.start
        return None


def plan_layout(elf: ElfFile, room: Room, dropped: Collection[int]) -> Layout:
    """Lay `elf` out without the sections `dropped` and without the holes in `room`.

    Raises Unsupported where something has no place in the new file.
    """
    cut = [
        piece if piece == segment else _without_needless_rights(piece, elf)
        for segment in elf.segments
        for piece in _cut(segment, room.holes)
    ]
    placed, pieces = _place([one for one in cut if one.type == PT_LOAD], elf.page)
    loads = [placed[one.offset, one.vaddr] for one in cut if one.type == PT_LOAD]
    segments, remaining = [], iter(loads)
    for segment in cut:
        is_load = segment.type == PT_LOAD
        segments.append(next(remaining) if is_load else _follow(segment, loads, room, len(cut)))
    return _with_sections(elf, room, dropped, tuple(segments), pieces)


def _cut(segment: Segment, holes: tuple[Range, ...]) -> list[Segment]:
    """A PT_LOAD without the holes (ranges of addresses) in it; offsets are still the old ones."""
    if segment.type != PT_LOAD:
        return [segment]
    parts, start = [], segment.vaddr
    end, memory_end = segment.vaddr + segment.filesz, segment.vaddr + segment.memsz
    for hole in holes:
        if start <= hole.start and hole.end <= end:
            if hole.start > start:
                parts.append((start, hole.start, hole.start))
            start = hole.end
    if start < memory_end or start == segment.vaddr:
        parts.append((start, end, memory_end))
    return [
        replace(
            segment,
            offset=segment.offset + first - segment.vaddr,
            vaddr=first,
            paddr=segment.paddr + first - segment.vaddr,
            filesz=last - first,
            memsz=memory - first,
        )
        for first, last, memory in parts
    ]


def _without_needless_rights(segment: Segment, elf: ElfFile) -> Segment:
    """A part of a cut segment in which no code lies need not be executable."""
    if segment.type != PT_LOAD or not segment.flags & PF_X:
        return segment
    code = any(
        one.flags & SHF_EXECINSTR and segment.vaddr <= one.addr < segment.vaddr + segment.memsz
        for one in elf.sections if one.allocated
    )  # fmt: skip
    return segment if code else replace(segment, flags=segment.flags & ~PF_X)


def _place(loads: list[Segment], page: int) -> tuple[dict[tuple[int, int], Segment], list[Piece]]:
    """Each PT_LOAD with its new offset, by old offset and address; and what is copied for it."""
    placed, pieces, old_end, position = {}, [], 0, 0
    for load in sorted(loads, key=lambda one: (one.offset, one.vaddr)):
        # segments that shared no page of the file share none now: code stays apart from what is not
        apart = load.offset // SMALLEST_PAGE > (old_end - 1) // SMALLEST_PAGE
        first = -(-position // SMALLEST_PAGE) * SMALLEST_PAGE if apart else position
        align, offset = load.align, first + (load.vaddr - first) % load.align
        paged = first + (load.vaddr - first) % page
        if offset - paged >= _PADDING_WORTH:
            align, offset = page, paged
        placed[load.offset, load.vaddr] = replace(load, offset=offset, align=align)
        pieces.append(Piece(load.offset, load.filesz, offset))
        old_end, position = max(old_end, load.file_end), max(position, offset + load.filesz)
    return placed, pieces


def offset_of(loads: list[Segment], address: int) -> int:
    """Where the byte at `address` is in the file, or would be. Raises Unsupported outside of segments."""
    for load in loads:
        if load.vaddr <= address < load.vaddr + load.filesz:
            return load.offset + address - load.vaddr
    for load in loads:
        if load.vaddr <= address <= load.vaddr + load.memsz:
            return load.offset + min(address - load.vaddr, load.filesz)
    raise Unsupported("something lies in no segment")


def _follow(segment: Segment, loads: list[Segment], room: Room, count: int) -> Segment:
    """Any other program header, by its address."""
    if segment.type == PT_PHDR:
        return replace(segment, filesz=count * SEGMENT_BYTES, memsz=count * SEGMENT_BYTES)
    if not segment.filesz and not segment.memsz:
        return segment
    address = segment.vaddr + room.shift(segment.vaddr, segment.filesz)
    moved = address - segment.vaddr
    return replace(segment, offset=offset_of(loads, address), vaddr=address, paddr=segment.paddr + moved)


def _with_sections(
    elf: ElfFile, room: Room, dropped: Collection[int], segments: tuple[Segment, ...], pieces: list[Piece]
) -> Layout:
    loads = [one for one in segments if one.type == PT_LOAD]
    last = max(index for index, one in enumerate(elf.sections) if one.allocated or index == 0)
    inactive = {index for index in dropped if index < last}
    kept = [index for index in range(len(elf.sections)) if index not in dropped or index in inactive]
    numbers = {index: number for number, index in enumerate(kept)}
    position = max(one.file_end for one in loads)
    sections = {}
    for index in sorted(kept, key=lambda one: (elf.sections[one].offset, one)):
        section = _INACTIVE if index in inactive else elf.sections[index]
        if section.type != SHT_NULL:
            section = _renumbered(section, numbers)
        if section.type == SHT_NULL:
            pass
        elif section.allocated:
            section = _allocated(section, loads, room)
        else:
            offset = -(-position // (section.addralign or 1)) * (section.addralign or 1)
            pieces.append(Piece(section.offset, section.file_bytes, offset))
            section = replace(section, offset=offset)
            position = section.file_end
        sections[index] = section
    table, place = len(kept) * SECTION_BYTES, _place_in_segment(elf, pieces)
    at = -(-position // 8) * 8 if place is None else place
    header = elf.header._replace(phnum=len(segments), shoff=at, shnum=len(kept), shstrndx=numbers[elf.header.shstrndx])
    return Layout(
        header,
        segments,
        tuple(sections[index] for index in kept),
        tuple(pieces),
        _moved(elf, loads, room),
        table if place is None else elf.header.shnum * SECTION_BYTES,
        at + table if place is None else position,
    )


def _place_in_segment(elf: ElfFile, pieces: list[Piece]) -> int | None:
    """Where the section table is when it lies in a segment, as patchelf makes it; there it stays."""
    start, end = elf.header.shoff, elf.header.shoff + elf.header.shnum * SECTION_BYTES
    for load in elf.loads():
        if load.offset <= start and end <= load.file_end:
            for piece in pieces:
                if piece.start <= start and end <= piece.end:
                    return start - piece.start + piece.offset
            raise Unsupported("its section table lies where pages are freed")
    return None


def _moved(elf: ElfFile, loads: list[Segment], room: Room) -> Piece | None:
    if not room.distance:
        return None
    first, block = elf.loads()[0], room.block
    start = block.start - first.vaddr + first.offset
    return Piece(start, block.end - block.start, offset_of(loads, block.start + room.distance))


def _renumbered(section: Section, numbers: dict[int, int]) -> Section:
    """With the new numbers of the sections that it names."""
    named = section.flags & SHF_INFO_LINK or section.type in (SHT_REL, SHT_RELA)
    info = numbers.get(section.info, section.info) if named else section.info
    return replace(section, link=numbers[section.link], info=info)


def _allocated(section: Section, loads: list[Segment], room: Room) -> Section:
    size = section.size - room.shortened(section)
    address = section.addr + room.shift(section.addr, section.file_bytes)
    if section.type == SHT_NOBITS or not size:
        try:
            return replace(section, offset=offset_of(loads, address), addr=address, size=size)
        except Unsupported:
            return replace(section, offset=max(one.file_end for one in loads))
    return replace(section, offset=offset_of(loads, address), addr=address, size=size)
