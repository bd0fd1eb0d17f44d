"""Makes room in an ELF file: which pages leave it, and where what stands behind the program headers moves to.

Each hole makes two segments of one, so that the table of program headers grows. As patchelf does, the small sections
behind it (notes, hash tables) are moved away; here into the first freed bytes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from slimml.errors import Unsupported
from slimml.native.elf_file import (
    SEGMENT_BYTES,
    SHT_DYNSYM,
    SHT_NOTE,
    SHT_RELA,
    SHT_STRTAB,
    X86_64,
    ElfFile,
    Section,
)
from slimml.native.outcome import Edit, Range
from slimml.native.slack import slack
from slimml.native.soundness import dynamic_entries

_SHT_HASH, _SHT_GNU_HASH = 5, 0x6FFFFFF6
_SHT_VERDEF, _SHT_VERNEED, _SHT_VERSYM = 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
_MOVABLE = (SHT_NOTE, _SHT_HASH, _SHT_GNU_HASH, SHT_DYNSYM, SHT_STRTAB, _SHT_VERDEF, _SHT_VERNEED, _SHT_VERSYM)
_MOVABLE_TAGS = (4, 0x6FFFFEF5, 5, 6, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE)
"""DT_HASH, DT_GNU_HASH, DT_STRTAB, DT_SYMTAB, DT_VERSYM, DT_VERDEF, DT_VERNEED"""
_OTHER_ADDRESS_TAGS = (3, 7, 12, 13, 17, 21, 23, 25, 26, 32, 0x6FFFFEFA, 0x6FFFFEFB)
_ALIGN = 64
_WORTH_PAGES = 4
"""pages that a hole must have to be worth a program header"""
_RELA = struct.Struct("<QQq")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELATIVE = {X86_64: 8}
_RELATIVE_AARCH64 = 1027
_SECTION_SYMBOL = 3
_NOWHERE = Range(0, 0)


@dataclass(frozen=True)
class Room:
    """What the edit of a file makes of its addresses; all in bytes.

    `holes` are ranges of addresses that no segment has any more, among them the `slack` of earlier edits; the bytes at
    addresses `block` moved by `distance`; `patches` (offsets of the old file) tell the dynamic section and the symbols.
    """

    freed: tuple[Range, ...] = ()
    slack: tuple[Range, ...] = ()
    holes: tuple[Range, ...] = ()
    block: Range = _NOWHERE
    distance: int = 0
    patches: tuple[tuple[int, bytes], ...] = ()

    def shift(self, address: int, size: int) -> int:
        """How far `size` bytes at `address` move; raises Unsupported where only a part of them would."""
        first, last = self.block.start <= address < self.block.end, self.block.start < address + size <= self.block.end
        if first and last:
            return self.distance
        if (
            (first and size)
            or (last and size)
            or (address <= self.block.start and address + size >= self.block.end > 0)
        ):
            raise Unsupported("something lies half behind the program headers")
        return 0

    def shortened(self, section: Section) -> int:
        """By how many bytes a section becomes shorter."""
        for one in self.freed:
            if section.file_bytes and section.offset <= one.start and one.end == section.file_end:
                return one.end - one.start
        return 0


def make_room(elf: ElfFile, edit: Edit) -> Room:
    """What becomes of the addresses when `edit.freed` goes. Raises Unsupported where there is no room."""
    unused = slack(elf)
    freed = tuple(sorted(edit.freed))
    addresses = [_addresses(elf, one) for one in freed]
    wanted = [hole for one in addresses if (hole := _hole(elf, one)) is not None]
    if not wanted:
        return Room(freed, unused, unused)
    block = _in_the_way(elf, sum(not _ends_segment(elf, hole.end) for hole in wanted))
    distance = 0
    if block.end:
        most = max(range(len(addresses)), key=lambda index: addresses[index].end - addresses[index].start)
        place = addresses[most]
        distance = -(-(place.start - block.start) // _ALIGN) * _ALIGN
        if block.end + distance > place.end:
            raise Unsupported("no room for more program headers")
        addresses[most] = Range(block.end + distance, place.end)
    holes = [hole for one in addresses if (hole := _hole(elf, one)) is not None]
    patches = tuple(_patches(elf, block, distance)) if block.end else ()
    return Room(freed, unused, tuple(sorted([*holes, *unused])), block, distance, patches)


def _addresses(elf: ElfFile, freed: Range) -> Range:
    """The addresses of freed bytes; raises ValueError unless they end an allocated section."""
    for section in elf.sections:
        if section.allocated and section.file_bytes and section.offset <= freed.start and freed.end == section.file_end:
            distance = section.addr - section.offset
            return Range(freed.start + distance, freed.end + distance)
    raise ValueError(f"bytes {freed.start} to {freed.end} are not the end of an allocated section")


def _hole(elf: ElfFile, addresses: Range) -> Range | None:
    """The pages that can go; up to the segment's end where nothing follows, since GNU strip damages empty segments."""
    start, end = -(-addresses.start // elf.page) * elf.page, addresses.end // elf.page * elf.page
    if end - start < _WORTH_PAGES * elf.page:
        return None
    return Range(start, _nothing_until(elf, addresses.end) or end)


def _nothing_until(elf: ElfFile, address: int) -> int | None:
    """The end of the segment in which nothing but the zeros of an earlier edit follows an address; None elsewhere."""
    for load in elf.loads():
        end = load.vaddr + load.filesz
        if not load.vaddr < address <= end or load.filesz != load.memsz or end - address >= elf.page:
            continue
        if any(one.allocated and one.addr + one.size > address and one.addr < end for one in elf.sections):
            return None
        return None if elf.read(load.file_end - (end - address), end - address).strip(b"\0") else end
    return None


def _ends_segment(elf: ElfFile, address: int) -> bool:
    return any(load.vaddr + load.filesz == address == load.vaddr + load.memsz for load in elf.loads())


def _in_the_way(elf: ElfFile, more: int) -> Range:
    """The addresses of the sections that `more` program headers would overwrite."""
    start = elf.header.phoff + elf.header.phnum * SEGMENT_BYTES
    need = start + more * SEGMENT_BYTES
    first = elf.loads()[0]
    if need > first.filesz:
        raise Unsupported("no room for more program headers")
    inside = [one for one in elf.sections if one.allocated and one.file_bytes and start <= one.offset < need]
    between = sorted(inside, key=lambda one: one.offset)
    position = start
    for section in between:
        _check_unused(elf, position, section.offset)
        position = section.file_end
    _check_unused(elf, position, max(need, position))
    if not inside:
        return _NOWHERE
    if any(one.type not in _MOVABLE or one.addralign > _ALIGN for one in inside):
        raise Unsupported("no room for more program headers: something behind them cannot move")
    return Range(between[0].addr, between[-1].addr + between[-1].size)


def _check_unused(elf: ElfFile, start: int, end: int) -> None:
    """patchelf fills what it no longer needs with X or Z."""
    if elf.read(start, end - start).strip(b"\0XZ"):
        raise Unsupported("no room for more program headers: unknown bytes behind them")


def _patches(elf: ElfFile, block: Range, distance: int) -> list[tuple[int, bytes]]:
    found = []
    dynamic = next(one for one in elf.segments if one.type == 2)
    for index, (tag, value) in enumerate(dynamic_entries(elf)):
        if not block.start <= value < block.end:
            continue
        if tag in _OTHER_ADDRESS_TAGS:
            raise Unsupported("no room for more program headers: something behind them cannot move")
        if tag in _MOVABLE_TAGS:
            found.append((dynamic.offset + 16 * index + 8, struct.pack("<Q", value + distance)))
    relative = _RELATIVE.get(elf.header.machine, _RELATIVE_AARCH64)
    for section in elf.sections:
        if section.type == SHT_RELA and section.allocated:
            for _, kind, addend in _RELA.iter_unpack(elf.read(section.offset, section.size // 24 * 24)):
                if kind == relative and block.start <= addend < block.end:
                    raise Unsupported("no room for more program headers: something behind them is pointed to")
        elif section.type in (2, SHT_DYNSYM):
            found += _symbols(elf, section, block, distance)
    return found


def _symbols(elf: ElfFile, section: Section, block: Range, distance: int) -> list[tuple[int, bytes]]:
    """Symbols of moved sections move along; any other symbol there is one that somebody uses."""
    found = []
    entries = _SYMBOL.iter_unpack(elf.read(section.offset, section.size // 24 * 24))
    for index, (_, info, _, number, value, _) in enumerate(entries):
        if number and block.start <= value < block.end:
            if info & 15 != _SECTION_SYMBOL:
                raise Unsupported("no room for more program headers: a symbol stands behind them")
            found.append((section.offset + 24 * index + 8, struct.pack("<Q", value + distance)))
    return found
