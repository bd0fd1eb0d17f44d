"""What the section table of an ELF file tells: bytes no loader maps, bytes of GPU code (gABI, "Sections").

The table stands near the end of a file, so a window of the stream is kept once the header has told where it is.
"""

import struct
from dataclasses import dataclass

_MAGIC = b"\x7fELF"
_BEFORE = 8192
"""the section names usually stand right before the table: so much before it is kept too"""
_MOST_SECTIONS = 4096
_ALLOCATED = 0x2
_NULL, _NOBITS = 0, 8
_GPU_SECTIONS = (b".nv_fatbin", b"__nv_relfatbin", b".hip_fatbin", b".nvFatBinSegment")


@dataclass(frozen=True)
class SectionTable:
    """Where an ELF file's section headers stand; offsets and sizes in bytes."""

    offset: int
    entry_bytes: int
    count: int
    names: int
    wide: bool
    order: str

    @property
    def first(self) -> int:
        """The first byte worth keeping."""
        return max(self.offset - _BEFORE, 0)

    @property
    def end(self) -> int:
        """The byte after the table."""
        return self.offset + self.entry_bytes * self.count


def section_table(head: bytes) -> SectionTable | None:
    """Where the section table is, from a file's first 64 bytes; None when there is none."""
    if head[:4] != _MAGIC or len(head) < 64 or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
    if wide:
        (offset,) = struct.unpack_from(order + "Q", head, 40)
        entry_bytes, count, names = struct.unpack_from(order + "HHH", head, 58)
    else:
        (offset,) = struct.unpack_from(order + "I", head, 32)
        entry_bytes, count, names = struct.unpack_from(order + "HHH", head, 46)
    if not offset or not 0 < count <= _MOST_SECTIONS or entry_bytes != (64 if wide else 40):
        return None
    return SectionTable(offset, entry_bytes, count, names, wide, order)


def measure(table: SectionTable, window: bytes | bytearray | memoryview, start: int) -> tuple[int, int]:
    """(unmapped bytes, GPU code bytes) of a file of which `window` holds the bytes from `start` on.

    Both are 0 where the window does not reach the table: then nothing is known, and nothing claimed.
    """
    where = table.offset - start
    if where < 0 or where + table.entry_bytes * table.count > len(window):
        return 0, 0
    form = table.order + ("IIQQQQ" if table.wide else "IIIIII")
    sections = [struct.unpack_from(form, window, where + index * table.entry_bytes) for index in range(table.count)]
    names = b""
    if table.names < table.count:
        _, _, _, _, at, size = sections[table.names]
        if at >= start and at - start + size <= len(window):
            names = bytes(window[at - start : at - start + size])
    unmapped = gpu = 0
    for index, (name, kind, flags, _, _, size) in enumerate(sections):
        if kind in (_NULL, _NOBITS):
            continue
        if not flags & _ALLOCATED:
            unmapped += size if index != table.names else 0
        elif names and names[name : names.find(b"\0", name)] in _GPU_SECTIONS:
            gpu += size
    return unmapped, gpu


class ElfWindow:
    """Keeps what `measure` needs of a file that streams past. Memory: the table and 8 KiB."""

    def __init__(self, head: bytes) -> None:
        self._table = section_table(head)
        self._position = 0
        self._kept = bytearray()

    def data(self, piece: memoryview) -> None:
        """The next piece of the file."""
        start, self._position = self._position, self._position + len(piece)
        if self._table is not None and self._position > self._table.first and start < self._table.end:
            self._kept += piece[max(self._table.first - start, 0) : self._table.end - start]

    def measure(self) -> tuple[int, int]:
        """(unmapped bytes, GPU code bytes), once the file has passed."""
        if self._table is None:
            return 0, 0
        return bounded(measure(self._table, self._kept, self._table.first), self._position)


def bounded(found: tuple[int, int], size: int) -> tuple[int, int]:
    """The figures, or nothing where they contradict the file's size."""
    return found if found[0] + found[1] <= size else (0, 0)
