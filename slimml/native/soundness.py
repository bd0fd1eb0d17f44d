"""Whether an ELF file is laid out in a way that is known through and through; asked of the original and of the result.

The demands are those of the gABI, of glibc's dl-load.c and of the kernel's binfmt_elf; some (segments that never share
bytes, the header in the first of them) are narrower, since what is not met in practice is not worth being wrong about.
"""

from __future__ import annotations

import struct
from itertools import pairwise

from slimml.errors import Unsupported
from slimml.native.elf_file import (
    HEADER_BYTES,
    PT_DYNAMIC,
    PT_INTERP,
    PT_LOAD,
    PT_PHDR,
    PT_TLS,
    SECTION_BYTES,
    SEGMENT_BYTES,
    SHF_TLS,
    SHT_DYNAMIC,
    SHT_NOBITS,
    SHT_NULL,
    SHT_REL,
    SHT_RELA,
    SHT_RELR,
    ElfFile,
    Section,
    Segment,
)

SMALLEST_PAGE = 0x1000
ET_EXEC, ET_DYN = 2, 3
DT_NULL, DT_FLAGS_1 = 0, 0x6FFFFFFB
_DT_RELR = (35, 36, 37)
_DF_1_PIE = 0x08000000
_SINGLE = {
    PT_DYNAMIC: "dynamic sections",
    PT_INTERP: "interpreters",
    PT_PHDR: "header segments",
    PT_TLS: "TLS segments",
}
_DYNAMIC = struct.Struct("<QQ")
_MOST_DYNAMIC = 1 << 20


def check_loadable(elf: ElfFile) -> None:
    """Raise Unsupported unless the file is a shared library or a dynamic program without packed relocations."""
    if elf.header.type not in (ET_EXEC, ET_DYN):
        raise Unsupported("neither a shared library nor a program")
    kinds = {segment.type for segment in elf.segments}
    if PT_DYNAMIC not in kinds:
        raise Unsupported("a static program")
    if any(section.type == SHT_NOBITS and section.name == ".dynamic" for section in elf.sections):
        raise Unsupported("a file of debug information only")
    tags = dict(dynamic_entries(elf))
    if PT_INTERP not in kinds and (elf.header.type == ET_EXEC or tags.get(DT_FLAGS_1, 0) & _DF_1_PIE):
        raise Unsupported("a static program")
    if any(section.type == SHT_RELR for section in elf.sections) or any(tag in tags for tag in _DT_RELR):
        raise Unsupported("its relocations are packed (RELR)")


def check_sound(elf: ElfFile) -> None:
    """Raise Unsupported with the first thing about the layout that is not as it should be."""
    loads = elf.loads()
    _check_loads(elf, loads)
    for kind, name in _SINGLE.items():
        if sum(segment.type == kind for segment in elf.segments) > 1:
            raise Unsupported(f"several {name}")
    for segment in elf.segments:
        if segment.type != PT_LOAD and (segment.filesz or segment.type == PT_PHDR):
            _check_in_load(segment, loads)
        if segment.type == PT_PHDR and (segment.offset, segment.filesz) != _header_table(elf):
            raise Unsupported("a header segment that is not the program headers")
    for index, section in enumerate(elf.sections):
        _check_section(index, section, loads, len(elf.sections))
    _check_parts(elf, loads)


def load_at(loads: list[Segment], address: int, size: int) -> Segment | None:
    """The segment that has `size` bytes of the file at `address`."""
    found = (one for one in loads if one.vaddr <= address and address + size <= one.vaddr + one.filesz)
    return next(found, None)


def dynamic_entries(elf: ElfFile) -> list[tuple[int, int]]:
    """(tag, value) of the dynamic section up to its end; raises Unsupported where it has none."""
    segment = next((one for one in elf.segments if one.type == PT_DYNAMIC), None)
    if segment is None or segment.filesz % _DYNAMIC.size or segment.filesz > _MOST_DYNAMIC:
        raise Unsupported("a dynamic section of a size that cannot be")
    for section in elf.sections:
        if section.type == SHT_DYNAMIC and (section.offset, section.addr) != (segment.offset, segment.vaddr):
            raise Unsupported("its dynamic section and segment are two")
    found: list[tuple[int, int]] = []
    for tag, value in _DYNAMIC.iter_unpack(elf.read(segment.offset, segment.filesz)):
        if tag == DT_NULL:
            return found
        found.append((tag, value))
    raise Unsupported("a dynamic section without an end")


def _header_table(elf: ElfFile) -> tuple[int, int]:
    return elf.header.phoff, elf.header.phnum * SEGMENT_BYTES


def _check_loads(elf: ElfFile, loads: list[Segment]) -> None:
    if not loads or loads[0].offset or sum(_header_table(elf)) > loads[0].filesz:
        raise Unsupported("its headers are not in the first segment")
    for load in loads:
        if load.align % SMALLEST_PAGE or load.align & (load.align - 1) or not load.align:
            raise Unsupported("a segment that is not aligned to pages")
        if (load.offset - load.vaddr) % load.align:
            raise Unsupported("a segment whose offset does not fit its address")
        if load.filesz > load.memsz:
            raise Unsupported("a segment with more bytes than memory")
    for one, other in pairwise(one for one in loads if one.filesz):
        if one.file_end > other.offset:
            raise Unsupported("segments that share bytes of the file")
    in_table = [segment for segment in elf.segments if segment.type == PT_LOAD]
    for one, other in pairwise(in_table):
        if -(-(one.vaddr + one.memsz) // SMALLEST_PAGE) > other.vaddr // SMALLEST_PAGE:
            raise Unsupported("segments out of order, or in each other's memory")


def _check_in_load(segment: Segment, loads: list[Segment]) -> None:
    load = load_at(loads, segment.vaddr, segment.filesz)
    if load is None or segment.offset - load.offset != segment.vaddr - load.vaddr:
        raise Unsupported(f"a segment (type {segment.type:#x}) that does not lie where its address is")


def _check_section(index: int, section: Section, loads: list[Segment], count: int) -> None:
    what = f"section {section.name or index}"
    if section.addralign & (section.addralign - 1):
        raise Unsupported(f"{what} has no power of two as its alignment")
    if section.link >= count or (section.type in (SHT_REL, SHT_RELA) and section.info >= count):
        raise Unsupported(f"{what} belongs to a section that is not there")
    if section.type == SHT_NULL or not section.allocated:
        return
    if section.file_bytes:
        load = load_at(loads, section.addr, section.size)
        if load is None or section.offset - load.offset != section.addr - load.vaddr:
            raise Unsupported(f"{what} does not lie where its address is")
    elif (
        not section.flags & SHF_TLS
        and section.size
        and not any(
            load.vaddr <= section.addr and section.addr + section.size <= load.vaddr + load.memsz for load in loads
        )
    ):
        raise Unsupported(f"{what} lies in no segment")


def _check_parts(elf: ElfFile, loads: list[Segment]) -> None:
    """No two things have the same bytes of the file."""
    table = (elf.header.shoff, elf.header.shoff + len(elf.sections) * SECTION_BYTES)
    headers = [(0, HEADER_BYTES), (elf.header.phoff, sum(_header_table(elf)))]
    allocated = [(one.offset, one.file_end) for one in elf.sections if one.allocated and one.file_bytes]
    others = [(one.offset, one.file_end) for one in elf.sections if not one.allocated and one.file_bytes]
    segments = [(one.offset, one.file_end) for one in loads if one.filesz]
    # patchelf writes the section table into the segment that it adds
    within = any(start <= table[0] and table[1] <= end for start, end in segments)
    for parts in ([*headers, *allocated, table], [*segments, *others, *([] if within else [table])]):
        for (_, end), (start, _) in pairwise(sorted(parts)):
            if end > start:
                raise Unsupported("sections, segments or tables that share bytes of the file")
