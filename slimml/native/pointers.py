"""Who points into a section: relocations, symbols, code. What is not understood is a reason to leave the section alone.

The dynamic linker fills every pointer of a shared object from the relocation tables (gABI, "Relocation"), so these tell
of all pointers in data. Code reaches what lies near without a table; that is looked for in the instructions.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

from slimml.errors import Unsupported
from slimml.native.elf_file import (
    AARCH64,
    SHF_EXECINSTR,
    SHF_TLS,
    SHT_DYNSYM,
    SHT_NOBITS,
    SHT_REL,
    SHT_RELA,
    SHT_RELR,
    SHT_SYMTAB,
    X86_64,
    ElfFile,
    Section,
)

RELATIVE = {X86_64: 8, AARCH64: 1027}
"""R_X86_64_RELATIVE, R_AARCH64_RELATIVE"""
_PLACELESS = {X86_64: (16, 17, 18, 36), AARCH64: (1028, 1029, 1030, 1031)}
"""relocations of thread-local storage, whose addends are no addresses"""
_RELA = np.dtype([("offset", "<u8"), ("info", "<u8"), ("addend", "<i8")])
_SYMBOL = np.dtype(
    [("name", "<u4"), ("info", "u1"), ("other", "u1"), ("section", "<u2"), ("value", "<u8"), ("size", "<u8")]
)
_TLS_SYMBOL = 6
_AT_ONCE = 1 << 22
"""bytes of code that are looked through at a time"""
RELA_ADDEND = 16
SYMBOL_VALUE, SYMBOL_SIZE = 8, 16
"""where a field stands in an entry"""


@dataclass(frozen=True, slots=True)
class Pointer:
    """A relative relocation at `entry` of the file: `place` is the address it fills, `value` what it fills in."""

    entry: int
    place: int
    value: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol of .symtab in the section: the offset of its entry in the file, its value and its size."""

    entry: int
    value: int
    size: int


def pointers_into(elf: ElfFile, data: mmap, section: Section) -> list[Pointer]:
    """The relative relocations whose value lies in a section.

    Raises Unsupported where anything else of the linker's tables reaches it.
    """
    start, end = section.addr, section.addr + section.size
    _refuse_symbols(elf, data, section)
    relative, placeless = RELATIVE[elf.header.machine], _PLACELESS[elf.header.machine]
    shared_end = any(one.allocated and one.addr == end and one is not section for one in elf.sections)
    found = []
    for table in elf.sections:
        if table.type in (SHT_RELR, SHT_REL) and table.allocated:
            raise Unsupported("its pointers are written in a compact form (RELR) that slimml does not edit")
        if table.type != SHT_RELA or not table.allocated:
            continue
        entries = _table(data, table, _RELA)
        kinds = entries["info"] & 0xFFFFFFFF
        values = entries["addend"] + _symbol_values(elf, data, table)[entries["info"] >> 32]
        inside = (values >= start) & (values < end + (0 if shared_end else 1)) & ~np.isin(kinds, placeless)
        if (inside & (kinds != relative)).any():
            raise Unsupported("a relocation of an unknown kind points at its GPU code")
        for index in np.flatnonzero(inside & (kinds == relative)):
            entry = entries[index]
            found.append(
                Pointer(table.offset + int(index) * _RELA.itemsize, int(entry["offset"]), int(entry["addend"]))
            )
    return found


def symbols_of(elf: ElfFile, data: mmap, section: Section) -> Iterator[Symbol]:
    """The symbols of .symtab, which is for people and debuggers, that stand in a section."""
    number = elf.sections.index(section)
    for table in elf.sections:
        if table.type == SHT_SYMTAB:
            entries = _table(data, table, _SYMBOL)
            for index in np.flatnonzero(entries["section"] == number):
                entry = entries[index]
                yield Symbol(table.offset + int(index) * _SYMBOL.itemsize, int(entry["value"]), int(entry["size"]))


def code_reaches(elf: ElfFile, data: mmap, addresses: Sequence[int]) -> bool:
    """Whether an instruction may compute one of these addresses from its own.

    x86-64: a byte that says "relative to the next instruction" (ModRM, mod 0, r/m 5), four bytes of distance, and an
    immediate operand or none. aarch64: ADR, or ADRP of the address's page. Says yes too often rather than too seldom.
    """
    wanted = np.array(sorted(addresses), dtype=np.int64)
    for section in elf.sections:
        if not section.flags & SHF_EXECINSTR or not section.allocated or not section.file_bytes:
            continue
        for offset in range(0, section.file_bytes, _AT_ONCE):
            size = min(_AT_ONCE + 16, section.file_bytes - offset)
            code = data[section.offset + offset : section.offset + offset + size]
            targets = _near_x86 if elf.header.machine == X86_64 else _near_aarch64
            if any(np.isin(wanted, each).any() for each in targets(code, section.addr + offset, wanted)):
                return True
    return False


def _near_x86(code: bytes, address: int, wanted: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    first, last = int(wanted[0]), int(wanted[-1])
    for shift in range(4):
        distances = np.frombuffer(code, dtype="<i4", offset=shift, count=max(len(code) - shift, 0) // 4)
        after = address + shift + 4 + 4 * np.arange(len(distances), dtype=np.int64)
        targets = after + distances
        places = np.flatnonzero((targets >= first - 4) & (targets <= last))
        found = targets[places][_relative_operand(code, places * 4 + shift)]
        for immediate in (0, 1, 2, 4):
            yield found + immediate


def _relative_operand(code: bytes, distances: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which of the distances at these places follow a ModRM byte that makes them one."""
    before = np.frombuffer(code, dtype="u1")[np.maximum(distances - 1, 0)]
    told: NDArray[np.bool_] = (distances > 0) & (before & 0xC7 == 5)
    return told


def _near_aarch64(code: bytes, address: int, wanted: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    words = np.frombuffer(code, dtype="<u4", count=len(code) // 4).astype(np.int64)
    places = address + 4 * np.arange(len(words), dtype=np.int64)
    distance = ((words >> 5) & 0x7FFFF) << 2 | ((words >> 29) & 3)
    distance = np.where(distance >= 1 << 20, distance - (1 << 21), distance)
    plain = (words & 0x9F000000) == 0x10000000
    yield (places + distance)[plain]
    pages = (places & ~0xFFF) + (distance << 12)
    paged = (words & 0x9F000000) == 0x90000000
    yield wanted[np.isin(wanted & ~0xFFF, pages[paged])]


def _refuse_symbols(elf: ElfFile, data: mmap, section: Section) -> None:
    start, end = section.addr, section.addr + section.size
    for table in elf.sections:
        if table.type != SHT_DYNSYM:
            continue
        symbols = _table(data, table, _SYMBOL)
        inside = (symbols["section"] != 0) & (symbols["value"] >= start) & (symbols["value"] < end)
        if (inside & ((symbols["info"] & 15) != _TLS_SYMBOL)).any():
            raise Unsupported("it exports a symbol that lies in its GPU code")


def _symbol_values(elf: ElfFile, data: mmap, relocations: Section) -> NDArray[np.int64]:
    """The values of the symbols that a relocation table may name, 0 for those of other files."""
    if not 0 < relocations.link < len(elf.sections) or elf.sections[relocations.link].type != SHT_DYNSYM:
        raise Unsupported("its relocations name no table of symbols")
    symbols = _table(data, elf.sections[relocations.link], _SYMBOL)
    named = _table(data, relocations, _RELA)["info"] >> 32
    if len(named) and int(named.max()) >= max(len(symbols), 1):
        raise Unsupported("a relocation names a symbol that is not there")
    values = np.where(symbols["section"] != 0, symbols["value"], 0).astype(np.int64)
    return values if len(values) else np.zeros(1, dtype=np.int64)


def _table(data: mmap, section: Section, form: np.dtype[np.void]) -> NDArray[np.void]:
    return np.frombuffer(data[section.offset : section.file_end], dtype=form, count=section.file_bytes // form.itemsize)


def content_at(elf: ElfFile, data: mmap, address: int) -> tuple[int, int]:
    """(offset in the file, the eight bytes there as a number) of an address that the file has bytes for.

    Raises Unsupported where it has none.
    """
    for segment in elf.loads():
        if segment.vaddr <= address and address + 8 <= segment.vaddr + segment.filesz:
            offset = segment.offset + address - segment.vaddr
            return offset, struct.unpack_from("<Q", data, offset)[0]
    raise Unsupported("a pointer to its GPU code lies where the file has no bytes")


def wrapper_places(elf: ElfFile, data: mmap) -> frozenset[int]:
    """The addresses at which wrappers of containers (.nvFatBinSegment) have their pointers to one."""
    section = elf.named(".nvFatBinSegment")
    if section is None or section.type == SHT_NOBITS or section.flags & SHF_TLS:
        return frozenset()
    content = data[section.offset : section.file_end]
    whole = len(content) - len(content) % _WRAPPER.size
    return frozenset(
        section.addr + at + _WRAPPED
        for at, (magic, version) in zip(
            range(0, whole, _WRAPPER.size), _WRAPPER.iter_unpack(content[:whole]), strict=True
        )
        if magic == _WRAPPER_MAGIC and version in _WRAPPER_VERSIONS
    )


_WRAPPER = struct.Struct("<II16x")
_WRAPPER_MAGIC, _WRAPPER_VERSIONS, _WRAPPED = 0x466243B1, (1, 2), 8
