"""Which sections of an ELF file only debuggers and linkers read: what a strip takes.

What GNU strip takes of a shared library, and `.comment`. Kept: `.gnu_debuglink` and `.gnu_debugaltlink` (where symbols
are kept elsewhere), `.gnu_debugdata` (a small table that backtraces use), notes, and whatever is not known here.
"""

from __future__ import annotations

from slimml.errors import Unsupported
from slimml.native.elf_file import (
    SHT_GROUP,
    SHT_NOBITS,
    SHT_NULL,
    SHT_PROGBITS,
    SHT_REL,
    SHT_RELA,
    SHT_STRTAB,
    SHT_SYMTAB,
    SHT_SYMTAB_SHNDX,
    ElfFile,
    Section,
)

_DEBUG = (".debug", ".zdebug", ".gnu.debuglto_", ".gnu.linkonce.wi.", ".stab")
_DEBUG_NAMES = frozenset({".line", ".gdb_index"})
_OWN_DATA = frozenset({"pydata", ".upd_info", ".sha256_sig"})
"""where programs made by PyInstaller or AppImage keep what they read from their own file, by offset"""


def droppable(elf: ElfFile) -> dict[int, str]:
    """Index of each section that may go: "symbols", "debug" or "comment".

    Raises Unsupported where a section that stays needs one that would go, or the file's program reads the file itself.
    """
    found: dict[int, str] = {}
    for index, section in enumerate(elf.sections):
        if section.name in _OWN_DATA:
            raise Unsupported(f"its program reads {section.name} from the file")
        if not section.allocated and section.type != SHT_NULL and (kind := _kind(section)):
            found[index] = kind
    names = {section.link: index for index, section in enumerate(elf.sections) if found.get(index) == "symbols"}
    for index, section in enumerate(elf.sections):
        if index in names and not section.allocated and section.type == SHT_STRTAB and index != elf.header.shstrndx:
            found[index] = "symbols"
        elif section.type in (SHT_REL, SHT_RELA, SHT_SYMTAB_SHNDX, SHT_GROUP) and not section.allocated:
            found[index] = found.get(index) or found.get(section.info) or "symbols"
    found.pop(elf.header.shstrndx, None)
    _check_links(elf, found)
    return found


def _kind(section: Section) -> str | None:
    if section.type == SHT_SYMTAB:
        return "symbols"
    if section.type not in (SHT_PROGBITS, SHT_NOBITS):
        # clang marks DWARF with a type of its own on some machines
        return "debug" if section.name.startswith(".debug_") else None
    if section.name.startswith(_DEBUG) or section.name in _DEBUG_NAMES:
        return "debug"
    return "comment" if section.name == ".comment" else None


def _check_links(elf: ElfFile, dropped: dict[int, str]) -> None:
    for index, section in enumerate(elf.sections):
        if index in dropped or section.type == SHT_NULL:
            continue
        if section.link in dropped or (section.type in (SHT_REL, SHT_RELA) and section.info in dropped):
            raise Unsupported(f"{section.name} needs the symbols")
