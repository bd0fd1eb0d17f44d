"""Lays a section of CUDA fat binaries out anew: containers keep their order, elements that no target needs are gone.

Kept elements are moved as they are; of a container only its header changes, which tells its size. What is pointed at,
and by whom, is settled before anything is moved.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from mmap import mmap

from slimml.errors import Unsupported
from slimml.native.elf_file import ElfFile
from slimml.native.fatbin import HEADER_BYTES, Container, Element, container_header
from slimml.native.gpu_sections import GpuSection
from slimml.native.outcome import Move, Range
from slimml.native.pointers import (
    RELA_ADDEND,
    SYMBOL_SIZE,
    SYMBOL_VALUE,
    code_reaches,
    content_at,
    pointers_into,
    symbols_of,
    wrapper_places,
)
from slimml.native.select import kept_elements
from slimml.native.soundness import ET_DYN

_ALIGNED = 8


@dataclass(frozen=True)
class Kept:
    """A container after it: the old one, what stays of it, and its new offset in the source's coordinates."""

    container: Container
    elements: tuple[Element, ...]
    offset: int

    @property
    def size(self) -> int:
        """Bytes with the header."""
        return HEADER_BYTES + sum(element.bytes for element in self.elements)


@dataclass(frozen=True)
class Compacted:
    """How a section changes; offsets are those of the source file."""

    section: GpuSection
    kept: tuple[Kept, ...]
    moves: tuple[Move, ...]
    patches: Mapping[int, bytes]
    freed: Range


def compact(
    elf: ElfFile, data: mmap, section: GpuSection, targets: Sequence[int], *, symbols: bool
) -> Compacted | None:
    """Plan a section for GPUs of these compute capabilities (times ten); None where they need all of it.

    `symbols` says that .symtab stays, and is corrected too. Raises Unsupported, with the reason, where a pointer into
    the section or its content is not understood.
    """
    if section.fixed is not None:
        raise Unsupported(section.fixed)
    if elf.header.type != ET_DYN:
        raise Unsupported(f"{section.name}: a program at a fixed address, whose pointers no table tells of")
    kept = _lay_out(section, targets)
    if all(one.size == one.container.size for one in kept):
        return None
    _refuse_other_content(data, section)
    patches = _pointers(elf, data, section, kept)
    if symbols:
        patches |= _symbols(elf, data, section, kept)
    moves: list[Move] = []
    for one in kept:
        patches[one.offset] = container_header(one.size - HEADER_BYTES)
        moves += _moves(one)
    return Compacted(
        section, kept, tuple(moves), patches, Range(kept[-1].offset + kept[-1].size, section.section.file_end)
    )


def _lay_out(section: GpuSection, targets: Sequence[int]) -> tuple[Kept, ...]:
    found = []
    at = section.section.offset
    for container in section.containers:
        if (container.offset - section.section.offset) % _ALIGNED:
            raise Unsupported(f"{section.name}: its GPU code is not aligned")
        found.append(Kept(container, kept_elements(container, targets), at))
        at += found[-1].size
    return tuple(found)


def _refuse_other_content(data: mmap, section: GpuSection) -> None:
    at = section.section.offset
    for start, end in [*((one.offset, one.end) for one in section.containers), (section.section.file_end,) * 2]:
        if data[at:start].strip(b"\0"):
            raise Unsupported(f"{section.name}: there is something between the containers of GPU code")
        at = end


def _pointers(elf: ElfFile, data: mmap, section: GpuSection, kept: Sequence[Kept]) -> dict[int, bytes]:
    """Patches of relocations, and of the bytes they fill where these hold the address already."""
    distance = section.section.addr - section.section.offset
    moved = {one.container.offset + distance: one.offset + distance for one in kept}
    wrapped = wrapper_places(elf, data)
    patches: dict[int, bytes] = {}
    reached: set[int] = set()
    pointers = pointers_into(elf, data, section.section)
    for pointer in pointers:
        if pointer.value not in moved or pointer.place not in wrapped:
            raise Unsupported(f"{section.name}: a pointer into the GPU code that is no wrapper's")
        if pointer.place in reached:
            raise Unsupported(f"{section.name}: two relocations of one wrapper")
        reached.add(pointer.place)
        new = struct.pack("<Q", moved[pointer.value])
        patches[pointer.entry + RELA_ADDEND] = new
        offset, content = content_at(elf, data, pointer.place)
        if content == pointer.value:
            patches[offset] = new
        elif content:
            raise Unsupported(f"{section.name}: a wrapper holds another pointer than its relocation")
    alone = sorted(moved.keys() - {pointer.value for pointer in pointers})
    if alone and code_reaches(elf, data, alone):
        raise Unsupported(f"{section.name}: GPU code that the program may reach without a wrapper")
    return patches


def _symbols(elf: ElfFile, data: mmap, section: GpuSection, kept: Sequence[Kept]) -> dict[int, bytes]:
    distance = section.section.addr - section.section.offset
    found = {one.container.offset + distance: one for one in kept}
    patches: dict[int, bytes] = {}
    for symbol in symbols_of(elf, data, section.section):
        one = found.get(symbol.value)
        if one is None:
            raise Unsupported(f"{section.name}: a symbol that names no container of GPU code")
        patches[symbol.entry + SYMBOL_VALUE] = struct.pack("<Q", one.offset + distance)
        if symbol.size:
            patches[symbol.entry + SYMBOL_SIZE] = struct.pack("<Q", one.size)
    return patches


def _moves(kept: Kept) -> list[Move]:
    """The elements' moves, neighbours together."""
    moves: list[Move] = []
    to = kept.offset + HEADER_BYTES
    for element in kept.elements:
        if moves and moves[-1].start + moves[-1].size == element.offset:
            moves[-1] = moves[-1]._replace(size=moves[-1].size + element.bytes)
        else:
            moves.append(Move(element.offset, to, element.bytes))
        to += element.bytes
    return [move for move in moves if move.start != move.to]
