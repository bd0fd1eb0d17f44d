"""Where the bytes of a native file are: GPU code by architecture and kind, and everything else by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from slimml.native.elf_file import HEADER_BYTES, SECTION_BYTES, SEGMENT_BYTES, X86_64, ElfFile, open_elf
from slimml.native.fatbin import Container, Element
from slimml.native.gpu_sections import GpuSection, gpu_sections
from slimml.native.select import dropped_bytes

_BETWEEN = "between sections"
_WRAPPING = "containers of GPU code"


@dataclass(frozen=True)
class GpuCode:
    """Elements of one kind (cubin, ptx, lto) for one target (sm_90, compute_80) in one section; bytes with headers."""

    section: str
    kind: str
    target: str
    elements: int
    bytes: int


@dataclass(frozen=True)
class Part:
    """Bytes of the file that are no GPU code."""

    name: str
    bytes: int


@dataclass(frozen=True)
class NativeFile:
    """An ELF file's bytes: those of `gpu` and of `parts` add up to `size`.

    `machine` is x86-64 or aarch64; `fixed` says of which sections with GPU code nothing can be taken, and why.
    """

    size: int
    machine: str
    gpu: tuple[GpuCode, ...]
    parts: tuple[Part, ...]
    fixed: tuple[str, ...]
    movable: tuple[Container, ...]

    @property
    def gpu_bytes(self) -> int:
        """All GPU code."""
        return sum(code.bytes for code in self.gpu)

    def droppable(self, targets: Sequence[int]) -> int:
        """Bytes of GPU code that GPUs of these compute capabilities (times ten) do not need and that can be taken.

        An upper bound: only whole pages leave the file, and a pointer that is not understood leaves a section alone.
        """
        return dropped_bytes(self.movable, targets)


def inspect_file(path: Path) -> NativeFile:
    """Read a native file. Raises Unsupported, without its name, where it is none; OSError where it cannot be read."""
    with open_elf(path) as elf, mmap(elf.descriptor, 0, access=ACCESS_READ) as data:
        sections = gpu_sections(elf, data)
        parts, counted = _parts(elf, sections)
        return NativeFile(
            elf.size,
            "x86-64" if elf.header.machine == X86_64 else "aarch64",
            tuple(code for section in counted for code in _gpu_code(section)),
            parts,
            tuple(section.fixed for section in counted if section.fixed),
            tuple(container for section in counted if not section.fixed for container in section.containers),
        )


def _parts(elf: ElfFile, gpu: Sequence[GpuSection]) -> tuple[tuple[Part, ...], tuple[GpuSection, ...]]:
    """The parts, and the sections whose GPU code is not in them.

    Walks the file from its beginning to its end: where ranges overlap a byte is the first one's, and a section with GPU
    code that another range overlaps is a part like any other.
    """
    holding = {one.section: one for one in gpu}
    counted: Counter[str] = Counter()
    whole = []
    at = 0
    for start, end, name, section in _ranges(elf):
        counted[_BETWEEN] += max(start - at, 0)
        if section in holding and at <= start and end <= elf.size:
            whole.append(holding.pop(section))
            elements = sum(element.bytes for element in _elements(whole[-1]))
            counted[f"{name}: {_WRAPPING}"] += end - start - elements
        else:
            counted[name] += max(end - max(start, at), 0)
        at = max(at, end)
    counted[_BETWEEN] += elf.size - at
    return tuple(Part(name, size) for name, size in counted.items() if size), tuple(whole)


def _ranges(elf: ElfFile) -> list[tuple[int, int, str, object]]:
    header = elf.header
    found: list[tuple[int, int, str, object]] = [
        (0, HEADER_BYTES, "ELF header", None),
        (header.phoff, header.phoff + header.phnum * SEGMENT_BYTES, "program headers", None),
        (header.shoff, header.shoff + header.shnum * SECTION_BYTES, "section headers", None),
    ]
    found += [
        (one.offset, one.file_end, one.name or "a section without a name", one)
        for one in elf.sections
        if one.file_bytes
    ]
    return sorted(found, key=lambda one: one[:2])


def _gpu_code(section: GpuSection) -> Iterator[GpuCode]:
    number: Counter[tuple[str, str]] = Counter()
    size: Counter[tuple[str, str]] = Counter()
    for element in _elements(section):
        number[element.kind, element.target] += 1
        size[element.kind, element.target] += element.bytes
    for kind, target in sorted(size):
        yield GpuCode(section.name, kind, target, number[kind, target], size[kind, target])


def _elements(section: GpuSection) -> Iterator[Element]:
    for container in section.containers:
        yield from container.elements
