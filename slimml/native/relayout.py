"""Lays an ELF file out anew: every virtual address stays, bytes that nothing needs leave the file.

The result is read again and held against the original (`check`); where there is any doubt, no file is left behind.
"""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from slimml.errors import Unsupported
from slimml.native.check import check_result
from slimml.native.droppable import droppable
from slimml.native.elf_file import ElfFile, open_elf, parse_elf, read_at
from slimml.native.expected import check_edit
from slimml.native.layout import Layout, plan_layout
from slimml.native.leftover import check_leftovers
from slimml.native.outcome import UNEDITED, Edit, Left, Outcome, Shrunk
from slimml.native.room import Room, make_room
from slimml.native.soundness import check_loadable, check_sound

WORTH_BYTES = 512
"""what a file must become smaller by, at least: a block of a tar archive"""
_PIECE = 1 << 20


def relayout(source: Path, target: Path, edit: Edit = UNEDITED, *, drop_symbols: bool = True) -> Outcome:
    """Write `source` to `target` without what `edit` frees, gaps, and (`drop_symbols`) what only debuggers read.

    `target` appears whole or not at all, with a new file's mode and times; it may be `source` itself. Anything about
    the file that is not known through and through is Left with its reason. Memory: the tables, and pieces of 1 MiB.
    Raises OSError where files cannot be read or written, ValueError for an edit that contradicts the file.
    """
    check_edit(edit)
    try:
        with open_elf(source) as elf:
            return _rewrite(elf, target, edit, drop_symbols)
    except Unsupported as doubt:
        return Left(str(doubt))


def _rewrite(elf: ElfFile, target: Path, edit: Edit, drop_symbols: bool) -> Outcome:
    check_loadable(elf)
    check_sound(elf)
    check_leftovers(elf)
    dropped = droppable(elf) if drop_symbols else {}
    room = make_room(elf, edit)
    layout = plan_layout(elf, room, dropped)
    if layout.size > elf.size - WORTH_BYTES:
        return Left("nothing in it may go")
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".native-")
    try:
        _write(elf, descriptor, layout, room, edit)
        check_result(elf, parse_elf(descriptor), edit, room, dropped)
        os.replace(name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
    finally:
        os.close(descriptor)
    return Shrunk(elf.size, layout.size, _gone(elf, layout, room, dropped))


def _gone(elf: ElfFile, layout: Layout, room: Room, dropped: dict[int, str]) -> dict[str, int]:
    gone: dict[str, int] = {}
    for index, kind in dropped.items():
        gone[kind] = gone.get(kind, 0) + elf.sections[index].file_bytes
    if freed := sum(one.end - one.start for one in room.holes if one not in room.slack):
        gone["freed"] = freed
    return gone | {"padding": elf.size - layout.size - sum(gone.values())}


def _write(elf: ElfFile, out: int, layout: Layout, room: Room, edit: Edit) -> None:
    os.ftruncate(out, layout.size)
    for piece in layout.pieces:
        position = piece.start
        for freed in (*room.freed, (piece.end, piece.end)):
            start, end = max(freed[0], piece.start), min(freed[1], piece.end)
            if start <= end:
                _copy(elf, position, out, piece.offset + position - piece.start, start - position)
                position = end
    for move in edit.moves:
        place = layout.place_of(move.to)
        if place is None:
            raise ValueError(f"byte {move.to}, to which something moves, is not in the new file")
        _copy(elf, move.start, out, place, move.size)
    if (moved := layout.moved) is not None:
        _copy(elf, moved.start, out, moved.offset, moved.size)
        # the block is in the first segment, which stays at the start of the file
        _put(out, moved.start, bytes(moved.size))
    for offset, data in (*edit.patches.items(), *room.patches):
        place = layout.place_of(offset)
        if place is not None:
            _put(out, place, data)
    _put(out, layout.header.phoff, b"".join(one.pack() for one in layout.segments))
    table = b"".join(one.pack() for one in layout.sections)
    _put(out, layout.header.shoff, table.ljust(layout.table_room, b"\0"))
    _put(out, 0, layout.header.pack())


def _put(out: int, offset: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(out, view, offset)
        view, offset = view[written:], offset + written


def _copy(elf: ElfFile, start: int, out: int, place: int, size: int) -> None:
    """Copy within the kernel where it can, in pieces where not."""
    while size > 0:
        try:
            done = os.copy_file_range(elf.descriptor, out, size, start, place)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
                raise
            done = 0
        if not done:
            data = read_at(elf.descriptor, start, min(size, _PIECE))
            _put(out, place, data)
            done = len(data)
        start, place, size = start + done, place + done, size - done
