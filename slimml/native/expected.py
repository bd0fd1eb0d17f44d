"""What must stand at an address of a rewritten file: the original's bytes there, with what an edit says of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import pairwise

from slimml.errors import Unsupported
from slimml.native.elf_file import ElfFile, Segment
from slimml.native.outcome import Edit, Range
from slimml.native.room import Room


class Expected:
    """Reads what the file should be, by address; the original and the edit are all that it asks."""

    def __init__(self, old: ElfFile, edit: Edit, room: Room) -> None:
        self._old = old
        self._loads = sorted(old.loads(), key=lambda one: one.vaddr)
        self._starts = [one.vaddr for one in self._loads]
        self._moves = sorted(self._moved(old, edit, room))
        self._move_starts = [at for at, _, _ in self._moves]
        self._zeros = [*(self._address(one.start, one.end - one.start) for one in room.freed), room.block]
        self._block, self._distance = room.block, room.distance
        self._patches = sorted(self._patched(edit, room))
        self._patch_starts = [at for at, _ in self._patches]

    def read(self, address: int, size: int) -> bytes:
        """`size` bytes at `address`, all in one segment of the original. Raises Unsupported where it has none there."""
        load = self._load(address, size)
        found = bytearray(self._old.read(address - load.vaddr + load.offset, size))
        for zeros in self._zeros:
            start, end = max(zeros.start, address), min(zeros.end, address + size)
            if start < end:
                found[start - address : end - address] = bytes(end - start)
        # a move that begins before may reach in
        first = max(bisect_right(self._move_starts, address) - 1, 0)
        for at, source, length in self._moves[first : bisect_left(self._move_starts, address + size)]:
            start, end = max(at, address), min(at + length, address + size)
            if start < end:
                found[start - address : end - address] = self._old.read(source + start - at, end - start)
        first = max(bisect_right(self._patch_starts, address) - 1, 0)
        for at, data in self._patches[first : bisect_left(self._patch_starts, address + size)]:
            start, end = max(at, address), min(at + len(data), address + size)
            if start < end:
                found[start - address : end - address] = data[start - at : end - at]
        return bytes(found)

    def _load(self, address: int, size: int) -> Segment:
        index = bisect_right(self._starts, address) - 1
        load = self._loads[max(index, 0)]
        if not load.vaddr <= address or address + size > load.vaddr + load.filesz:
            raise Unsupported("the result has bytes where the original has none")
        return load

    def _address(self, offset: int, size: int) -> Range:
        for load in self._loads:
            if load.offset <= offset and offset + size <= load.file_end:
                start = offset - load.offset + load.vaddr
                return Range(start, start + size)
        raise ValueError(f"byte {offset} is in no segment")

    def _moved(self, old: ElfFile, edit: Edit, room: Room) -> Iterable[tuple[int, int, int]]:
        """(address, offset in the original, bytes) of all that stands elsewhere."""
        for move in edit.moves:
            yield self._address(move.to, move.size).start, move.start, move.size
        if room.distance:
            first, size = old.loads()[0], room.block.end - room.block.start
            offset = room.block.start - first.vaddr + first.offset
            yield room.block.start + room.distance, offset, size

    def _patched(self, edit: Edit, room: Room) -> Iterable[tuple[int, bytes]]:
        for offset, data in (*edit.patches.items(), *room.patches):
            if any(one.offset <= offset < one.file_end for one in self._loads):
                at = self._address(offset, len(data)).start
                yield at + room.shift(at, len(data)), data


def check_edit(edit: Edit) -> None:
    """Raise ValueError where what an edit moves or changes lies on each other, or on what it frees."""
    ranges = [*edit.freed, *(Range(one.to, one.to + one.size) for one in edit.moves)]
    ranges.sort()
    for one, other in pairwise(ranges):
        if one.end > other.start:
            raise ValueError("an edit that moves or frees the same bytes twice")
    for offset, data in edit.patches.items():
        if any(one.start < offset + len(data) and offset < one.end for one in edit.freed):
            raise ValueError(f"an edit that changes byte {offset}, which it frees")
