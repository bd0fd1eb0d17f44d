"""Makes a native file smaller by the GPU code that given GPUs do not need.

The sections of fat binaries are compacted, the file is laid out anew around the pages that got free, and the result is
read again: each element that stays is the same bytes, each wrapper points at its container. Anything that does not
hold, or is not understood, leaves the section or the file as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryDirectory

from slimml.errors import Unsupported
from slimml.native.compaction import Compacted, compact
from slimml.native.elf_file import ElfFile, open_elf
from slimml.native.fatbin import read_container
from slimml.native.gpu_sections import gpu_sections
from slimml.native.outcome import Edit, Left, Outcome
from slimml.native.pointers import pointers_into
from slimml.native.relayout import relayout

VERSION = 1
"""what results that are kept for later depend on; goes up with every change of what is written"""
_NOTHING = "it has no GPU code that these GPUs can do without"


def trim_file(source: Path, target: Path, targets: Sequence[int], *, drop_debug: bool = True) -> Outcome:
    """Write `source` to `target` with the GPU code that `targets` (compute capabilities times ten) can need.

    `drop_debug` leaves out what only debuggers and linkers read, too, and does so where no GPU code can go. `target`,
    which may be `source`, is written whole or, when nothing is won or any doubt is left, not at all. Of a file that got
    smaller, `remarks` say which sections were left and why. OSError where a file cannot be read or written.
    """
    try:
        with open_elf(source) as elf, mmap(elf.descriptor, 0, access=ACCESS_READ) as data:
            planned, remarks = _plan(elf, data, targets, symbols=not drop_debug)
            if not planned and not drop_debug:
                return Left("; ".join((_NOTHING, *remarks)))
            with TemporaryDirectory(dir=target.parent, prefix=".trim-") as place:
                written = Path(place) / "written"
                outcome = relayout(source, written, _edit(planned), drop_symbols=drop_debug)
                if isinstance(outcome, Left):
                    return Left("; ".join((outcome.reason, *remarks)))
                wrong = _doubt(elf, data, written, planned)
                if wrong:
                    return Left(f"the smaller file did not hold: {wrong}")
                written.replace(target)
    except Unsupported as error:
        return Left(str(error))
    return replace(outcome, remarks=remarks)


def _plan(
    elf: ElfFile, data: mmap, targets: Sequence[int], *, symbols: bool
) -> tuple[tuple[Compacted, ...], tuple[str, ...]]:
    """What can be compacted, and why the other sections cannot."""
    planned, remarks = [], []
    for section in gpu_sections(elf, data):
        try:
            compacted = compact(elf, data, section, targets, symbols=symbols)
        except Unsupported as error:
            remarks.append(str(error))
        else:
            planned += [compacted] if compacted else []
    return tuple(planned), tuple(remarks)


def _edit(planned: Sequence[Compacted]) -> Edit:
    patches: dict[int, bytes] = {}
    for one in planned:
        patches |= one.patches
    moves = tuple(move for one in planned for move in one.moves)
    return Edit(tuple(one.freed for one in planned), moves, patches)


def _doubt(elf: ElfFile, data: mmap, target: Path, planned: Sequence[Compacted]) -> str:
    """What is wrong with a result, "" if nothing is."""
    with open_elf(target) as new, mmap(new.descriptor, 0, access=ACCESS_READ) as written:
        for one in planned:
            wrong = _doubt_of_section(elf, data, new, written, one)
            if wrong:
                return f"{one.section.name}: {wrong}"
    return ""


def _doubt_of_section(elf: ElfFile, data: mmap, new: ElfFile, written: mmap, planned: Compacted) -> str:
    old_section, section = planned.section.section, new.named(planned.section.name)
    if section is None or section.addr != old_section.addr:
        return "the section is not at its address"
    distance = section.offset - old_section.offset
    for one in planned.kept:
        found = read_container(written, one.offset + distance, section.file_end)
        if found is None or len(found.elements) != len(one.elements):
            return "a container is not where it should be"
        for before, after in zip(one.elements, found.elements, strict=True):
            if data[before.offset : before.offset + before.bytes] != written[after.offset : after.offset + after.bytes]:
                return "a kept element is not the same"
    to_address = old_section.addr - old_section.offset
    moved = {one.container.offset + to_address: one.offset + to_address for one in planned.kept}
    expected = [(each.place, moved.get(each.value)) for each in pointers_into(elf, data, old_section)]
    if expected != [(each.place, each.value) for each in pointers_into(new, written, section)]:
        return "a wrapper does not point at its container"
    return ""
