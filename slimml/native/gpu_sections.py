"""The sections of an ELF file that hold CUDA fat binaries, and which of them can be laid out anew.

A program finds the containers of `.nv_fatbin` and `__nv_relfatbin` through wrappers that the linker's tables tell of.
Some libraries keep containers elsewhere and find them by ways of their own: those are read, and left as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from mmap import mmap

from slimml.native.elf_file import SHT_PROGBITS, ElfFile, Section
from slimml.native.fatbin import Container, find_containers

MOVABLE = (".nv_fatbin", "__nv_relfatbin")
_OWN_WAY = {
    ".rodata": "its code knows where the GPU code lies",
    ".ldata": "the library compiles the GPU code that lies there itself",
    ".cask_resource": "the library finds the GPU code that lies there by tables of its own",
}


@dataclass(frozen=True)
class GpuSection:
    """A section with containers. `damaged` counts headers of containers that no container follows, by chance or not."""

    section: Section
    containers: tuple[Container, ...]
    damaged: int

    @property
    def name(self) -> str:
        """The section's name."""
        return self.section.name

    @property
    def fixed(self) -> str | None:
        """Why it must stay as it is, in words; None where it can be laid out anew as far as its content tells."""
        if self.name not in MOVABLE:
            return f"{self.name}: {_OWN_WAY.get(self.name, 'nobody knows how the library finds the GPU code there')}"
        return f"{self.name}: GPU code of a form that slimml does not know" if self.damaged else None


def gpu_sections(elf: ElfFile, data: mmap) -> tuple[GpuSection, ...]:
    """The sections of a file that hold containers, or are meant to and hold something else. `data` is the file."""
    found = []
    for section in elf.sections:
        if not section.allocated or section.type != SHT_PROGBITS or not section.size:
            continue
        inside = find_containers(data, section.offset, section.file_end)
        if inside.containers or section.name in MOVABLE:
            found.append(GpuSection(section, inside.containers, len(inside.damaged)))
    return tuple(found)
