"""Bytes of segments that patchelf filled with X because nothing needs them any more: ends of segments, and whole ones.

Each time patchelf makes a table longer it adds a segment and fills the old place. A segment without any section is what
GNU strip damages a library by, so that taking it away makes the result safe for other tools, too.
"""

from __future__ import annotations

from slimml.native.elf_file import PT_LOAD, SECTION_BYTES, SEGMENT_BYTES, ElfFile, Segment
from slimml.native.outcome import Range
from slimml.native.soundness import dynamic_entries

_FILL = b"X"
_ALIGNMENT = 16
"""zeros that may follow the fill, up to the end of the segment, are fewer than these"""
_LEAST = 64
_PIECE = 1 << 20


def slack(elf: ElfFile) -> tuple[Range, ...]:
    """Ranges of addresses that can leave the file, each up to the end of its segment, in order."""
    named = [value for _, value in dynamic_entries(elf)]
    found = []
    for load in elf.loads():
        end = load.vaddr + load.filesz
        unused = Range(_used_until(elf, load), end)
        if load.memsz != load.filesz or unused.end - unused.start < _LEAST:
            continue
        if not any(unused.start <= value < unused.end for value in named) and _is_fill(elf, load, unused):
            found.append(unused)
    return tuple(sorted(found))


def _used_until(elf: ElfFile, load: Segment) -> int:
    """The address after the last thing in the segment that some table names."""
    end = load.vaddr + load.memsz
    parts = [(one.addr, one.addr + one.size) for one in elf.sections if one.allocated]
    parts += [(one.vaddr, one.vaddr + one.memsz) for one in elf.segments if one.type != PT_LOAD and one.memsz]
    header, shift = elf.header, load.vaddr - load.offset
    tables = [
        (0, header.phoff + header.phnum * SEGMENT_BYTES),
        (header.shoff, header.shoff + header.shnum * SECTION_BYTES),
    ]
    parts += [(first + shift, last + shift) for first, last in tables if load.offset <= first < load.file_end]
    return max((min(last, end) for first, last in parts if first < end and last > load.vaddr), default=load.vaddr)


def _is_fill(elf: ElfFile, load: Segment, unused: Range) -> bool:
    start, end = unused.start - load.vaddr + load.offset, load.file_end
    last = elf.read(max(start, end - _ALIGNMENT), min(end - start, _ALIGNMENT))
    end -= len(last) - len(last.rstrip(b"\0"))
    pieces = ((at, min(_PIECE, end - at)) for at in range(start, end, _PIECE))
    return end - start >= _LEAST - _ALIGNMENT and all(not elf.read(at, size).strip(_FILL) for at, size in pieces)
