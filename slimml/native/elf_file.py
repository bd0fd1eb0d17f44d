"""Reads the tables of a 64-bit little-endian ELF file exactly, and believes nothing that contradicts itself.

Follows the gABI: "ELF Header", "Sections", "Program Loading". x86-64 and aarch64. What is read packs to the same bytes
again; contents are read piece by piece with `ElfFile.read`, never the whole file.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import NamedTuple

from slimml.errors import Unsupported

HEADER_BYTES, SEGMENT_BYTES, SECTION_BYTES = 64, 56, 64
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS = 1, 2, 3, 4, 6, 7
PT_GNU_STACK = 0x6474E551
SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_DYNAMIC, SHT_NOTE = 0, 1, 2, 3, 4, 6, 7
SHT_NOBITS, SHT_REL, SHT_DYNSYM, SHT_GROUP, SHT_SYMTAB_SHNDX, SHT_RELR = 8, 9, 11, 17, 18, 19
SHF_ALLOC, SHF_EXECINSTR, SHF_INFO_LINK, SHF_TLS = 0x2, 0x4, 0x40, 0x400
PF_X = 1
X86_64, AARCH64 = 62, 183
PAGE_BYTES = {X86_64: 0x1000, AARCH64: 0x10000}
"""the largest page that a loader of the machine uses"""

_MAGIC = b"\x7fELF"
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_MOST_SECTIONS, _MOST_SEGMENTS = 4096, 128
"""far more than linkers make of a library; what is asked of each pair of them stays quick"""
_MOST_NAMES = 1 << 20
_MOST_ADDRESS = 1 << 56


class Header(NamedTuple):
    """The ELF header, field for field (`e_` left out)."""

    ident: bytes
    type: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int

    def pack(self) -> bytes:
        """Its 64 bytes."""
        return _HEADER.pack(*self)


@dataclass(frozen=True, slots=True)
class Segment:
    """A program header; offsets, addresses and sizes in bytes."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int

    @property
    def file_end(self) -> int:
        """The offset after its last byte in the file."""
        return self.offset + self.filesz

    def pack(self) -> bytes:
        """Its 56 bytes."""
        return _SEGMENT.pack(*(getattr(self, field.name) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Section:
    """A section header with its name; `name_at` is where the name stands in the table of names."""

    name_at: int
    type: int
    flags: int
    addr: int
    offset: int
    size: int
    link: int
    info: int
    addralign: int
    entsize: int
    name: str = ""

    @property
    def allocated(self) -> bool:
        """Whether the program has it in its memory."""
        return bool(self.flags & SHF_ALLOC)

    @property
    def file_bytes(self) -> int:
        """How many bytes of the file it has."""
        return 0 if self.type in (SHT_NULL, SHT_NOBITS) else self.size

    @property
    def file_end(self) -> int:
        """The offset after its last byte in the file."""
        return self.offset + self.file_bytes

    def pack(self) -> bytes:
        """Its 64 bytes."""
        return _SECTION.pack(*(getattr(self, field.name) for field in fields(self)[:-1]))


@dataclass(frozen=True)
class ElfFile:
    """An open file and its tables. All offsets and sizes in them lie within the file."""

    descriptor: int
    size: int
    header: Header
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]

    @property
    def page(self) -> int:
        """The largest page size of the machine, bytes."""
        return PAGE_BYTES[self.header.machine]

    def loads(self) -> list[Segment]:
        """The PT_LOAD segments, as they follow one another in the file."""
        return sorted((one for one in self.segments if one.type == PT_LOAD), key=lambda one: (one.offset, one.vaddr))

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes at `offset`. Raises Unsupported where the file ends before."""
        return read_at(self.descriptor, offset, size)

    def named(self, name: str) -> Section | None:
        """The first section of that name."""
        return next((one for one in self.sections if one.name == name), None)


@contextmanager
def open_elf(path: Path) -> Iterator[ElfFile]:
    """The file at `path`, read for as long as the context lasts.

    Raises Unsupported, whose message says what is wrong without naming the file, for anything but a regular ELF file of
    a known machine whose tables stand within it; OSError where it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        yield parse_elf(descriptor)
    finally:
        os.close(descriptor)


def parse_elf(descriptor: int) -> ElfFile:
    """The tables of an open file; raises Unsupported as `open_elf` does."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise Unsupported("not a regular file")
    header = _read_header(descriptor, status.st_size)
    table = read_at(descriptor, header.phoff, header.phnum * SEGMENT_BYTES)
    segments = tuple(Segment(*entry) for entry in _SEGMENT.iter_unpack(table))
    table = read_at(descriptor, header.shoff, header.shnum * SECTION_BYTES)
    sections = tuple(Section(*entry) for entry in _SECTION.iter_unpack(table))
    for index, segment in enumerate(segments):
        end = max(segment.vaddr, segment.paddr) + segment.memsz
        _check_extent(f"segment {index}", segment.offset, segment.filesz, end, status.st_size)
    for index, section in enumerate(sections):
        end = section.addr + section.size
        _check_extent(f"section {index}", section.offset, section.file_bytes, end, status.st_size)
    return ElfFile(descriptor, status.st_size, header, segments, _with_names(descriptor, header, sections))


def read_at(descriptor: int, offset: int, size: int) -> bytes:
    """`size` bytes at `offset`. Raises Unsupported where the file ends before."""
    pieces = []
    while size:
        piece = os.pread(descriptor, size, offset)
        if not piece:
            raise Unsupported(f"the file ends at byte {offset}, in the middle of something")
        pieces.append(piece)
        offset, size = offset + len(piece), size - len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _read_header(descriptor: int, size: int) -> Header:
    if size < HEADER_BYTES or os.pread(descriptor, len(_MAGIC), 0) != _MAGIC:
        raise Unsupported("not an ELF file")
    raw = read_at(descriptor, 0, HEADER_BYTES)
    if raw[4:7] != b"\x02\x01\x01":
        raise Unsupported("not a 64-bit little-endian ELF file")
    header = Header(*_HEADER.unpack(raw))
    if header.machine not in PAGE_BYTES:
        raise Unsupported(f"for a machine that slimml does not know (e_machine {header.machine})")
    if header.version != 1 or header.ehsize != HEADER_BYTES:
        raise Unsupported("an ELF header of another size or version")
    if not header.phnum or header.phentsize != SEGMENT_BYTES:
        raise Unsupported("no program headers: not something that is loaded (an object file, a kernel module)")
    if (
        header.phnum > _MOST_SEGMENTS
        or header.phoff < HEADER_BYTES
        or header.phoff + header.phnum * SEGMENT_BYTES > size
    ):
        raise Unsupported("its program headers do not lie within the file")
    if not header.shnum or header.shentsize != SECTION_BYTES:
        raise Unsupported("no section table, which tells what may go")
    if header.shnum > _MOST_SECTIONS or header.shoff < HEADER_BYTES:
        raise Unsupported("a section table of a kind that slimml does not know")
    if header.shoff + header.shnum * SECTION_BYTES > size:
        raise Unsupported("its section table does not lie within the file")
    if not 0 < header.shstrndx < header.shnum:
        raise Unsupported("its sections have no names")
    return header


def _check_extent(what: str, offset: int, in_file: int, address_end: int, size: int) -> None:
    if in_file and offset + in_file > size:
        raise Unsupported(f"{what} does not lie within the file")
    if offset > _MOST_ADDRESS or address_end > _MOST_ADDRESS:
        raise Unsupported(f"{what} lies at an impossible place")


def _with_names(descriptor: int, header: Header, sections: tuple[Section, ...]) -> tuple[Section, ...]:
    table = sections[header.shstrndx]
    if table.type != SHT_STRTAB or not 0 < table.size <= _MOST_NAMES:
        raise Unsupported("its sections' names are no table of names")
    names = read_at(descriptor, table.offset, table.size)
    named = []
    for section in sections:
        end = names.find(b"\0", section.name_at)
        if section.name_at >= len(names) or end < 0:
            raise Unsupported("a section's name lies outside the table of names")
        try:
            name = names[section.name_at : end].decode("ascii")
        except UnicodeDecodeError:
            raise Unsupported("a section's name is not plain text") from None
        named.append(replace(section, name=name))
    return tuple(named)
