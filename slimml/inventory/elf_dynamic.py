"""What an ELF file asks of the loader: needed libraries, search paths, the interpreter (gABI, "Dynamic Section").

A file streams past once, so its beginning, its end and, once the program headers have told where it is, its dynamic
section are kept: 48 MiB at most. Names of libraries anywhere in its bytes are noted too, for `dlopen`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Set
from dataclasses import dataclass

from slimml.oci.limits import KIB, MIB

_HEAD, _TAIL = 32 * MIB, 16 * MIB
_MOST_SEGMENTS = 256
_MOST_ENTRIES = 65_536
_MOST_NAMES, _MOST_LOOKED_AT = 4096, 100_000
"""names that are noted, and places that look like one; more has no library that anybody built"""
_TEXT = 4096
"""characters of one string of the file: PATH_MAX"""
_LOAD, _DYNAMIC, _INTERP = 1, 2, 3
_NEEDED, _STRTAB, _SONAME, _RPATH, _RUNPATH = 1, 5, 14, 15, 29
_ENOUGH = 64 * KIB
_LONGEST_NAME = 128
_NAME_BEFORE = re.compile(rb"[A-Za-z0-9_][\w.+-]*\Z", re.ASCII)
_NAME_AFTER = re.compile(rb"(?:\.\d{1,8})*(?![\w-])")


@dataclass(frozen=True)
class Dynamic:
    """`names` are names of shared objects found in the bytes, of those that were asked about.

    `read` is False where the dynamic section or its strings could not be read: then `names` is all there is to go by.
    """

    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    soname: str = ""
    interpreter: str = ""
    names: frozenset[str] = frozenset()
    read: bool = True


class DynamicTaker:
    """Takes one file (slimml.inventory.read_rows.Taker); `known` are the names of shared objects to look for."""

    def __init__(self, known: Set[str]) -> None:
        self._known = known
        self.begin(0)

    def begin(self, size: int) -> None:
        """Forget what was seen: the file begins."""
        del size
        self._window = _Window()
        self._carry = b""
        self._names: set[str] = set()
        self._left = _MOST_LOOKED_AT
        self.found: Dynamic | None = None

    def data(self, piece: memoryview) -> None:
        """The next piece."""
        content = bytes(piece)
        self._window.add(content)
        self._note(self._carry + content)
        self._carry = (self._carry + content[-_LONGEST_NAME:])[-_LONGEST_NAME:]

    def end(self) -> None:
        """Work out `found`; None for what is no ELF file."""
        self._note(self._carry + b"\0")
        self.found = read_dynamic(self._window, frozenset(self._names))
        self._window = _Window()

    def _note(self, content: bytes) -> None:
        at = content.find(b".so")
        while at >= 0 and len(self._names) < _MOST_NAMES and self._left:
            self._left -= 1
            before = _NAME_BEFORE.search(content[max(at - _LONGEST_NAME, 0) : at])
            after = _NAME_AFTER.match(content, at + 3)
            if before and after:
                name = (before[0] + b".so" + after[0]).decode("ascii", "replace")
                if name in self._known:
                    self._names.add(name)
            at = content.find(b".so", at + 3)


class _Window:
    """The parts of a file that are kept while it streams past."""

    def __init__(self) -> None:
        self.head = bytearray()
        self._tail: list[bytes] = []
        self._tail_bytes = 0
        self._range = (0, 0)
        self._kept = bytearray()
        self.size = 0

    def add(self, content: bytes) -> None:
        start, self.size = self.size, self.size + len(content)
        if len(self.head) < _HEAD:
            asked = len(self.head) >= _ENOUGH
            self.head += content[: _HEAD - len(self.head)]
            if not asked and len(self.head) >= _ENOUGH:
                self._ask()
        first, end = self._range
        if self.size > first and start < end:
            self._kept += content[max(first - start, 0) : end - start]
        if self.size > _HEAD:
            self._tail.append(content)
            self._tail_bytes += len(content)
            while self._tail_bytes - len(self._tail[0]) >= _TAIL:
                self._tail_bytes -= len(self._tail.pop(0))

    def _ask(self) -> None:
        """Keep the dynamic section when it comes, if it lies beyond the head."""
        form = _form(self.head)
        if form is None:
            return
        for kind, offset, _, size in _segments(self, form):
            if kind == _DYNAMIC and offset >= _HEAD and size <= _MOST_ENTRIES * 16:
                self._range = (offset, offset + size)

    def get(self, offset: int, size: int) -> bytes | None:
        """`size` bytes at `offset`; None where they were not kept."""
        if offset < 0 or size < 0:
            return None
        if offset + size <= len(self.head):
            return bytes(self.head[offset : offset + size])
        first, end = self._range
        if first <= offset and offset + size <= min(end, first + len(self._kept)):
            return bytes(self._kept[offset - first : offset - first + size])
        start = self.size - self._tail_bytes
        if self._tail and start <= offset and offset + size <= self.size:
            return _part(self._tail, offset - start, size)
        return None


def _part(pieces: list[bytes], at: int, size: int) -> bytes:
    found = bytearray()
    for piece in pieces:
        if at < len(piece):
            found += piece[at : at + size - len(found)]
            if len(found) == size:
                break
        at = max(at - len(piece), 0)
    return bytes(found)


@dataclass(frozen=True)
class _Form:
    """How an ELF file's numbers are written, and where its program headers stand."""

    wide: bool
    order: str
    offset: int
    entry_bytes: int
    count: int


def _form(head: bytes | bytearray) -> _Form | None:
    if head[:4] != b"\x7fELF" or len(head) < 52 or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    wide, order = head[4] == 2, "<" if head[5] == 1 else ">"
    if wide and len(head) < 64:
        return None
    (offset,) = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)
    entry_bytes, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
    if entry_bytes != (56 if wide else 32) or count > _MOST_SEGMENTS:
        return None
    return _Form(wide, order, offset, entry_bytes, count)


def _segments(window: _Window, form: _Form) -> list[tuple[int, int, int, int]]:
    """(type, offset, address, bytes in the file) of each program header that was kept."""
    table = window.get(form.offset, form.entry_bytes * form.count)
    if table is None:
        return []
    found = []
    for index in range(form.count):
        if form.wide:
            kind, _, offset, address, _, size, _, _ = struct.unpack_from(form.order + "IIQQQQQQ", table, index * 56)
        else:
            kind, offset, address, _, size, _, _, _ = struct.unpack_from(form.order + "IIIIIIII", table, index * 32)
        found.append((kind, offset, address, size))
    return found


def read_dynamic(window: _Window, names: frozenset[str]) -> Dynamic | None:
    """What a file that has passed says; None for what is no ELF file. A static program needs nothing."""
    form = _form(window.head)
    if form is None:
        return None
    segments = _segments(window, form)
    if form.count and not segments:
        return Dynamic(names=names, read=False)
    interpreter = next((_text(window, offset) or "" for kind, offset, _, _ in segments if kind == _INTERP), "")
    dynamic = next(((offset, size) for kind, offset, _, size in segments if kind == _DYNAMIC), None)
    if dynamic is None:
        return Dynamic(interpreter=interpreter, names=names)
    offset, size = dynamic
    table = window.get(offset, size) if size <= _MOST_ENTRIES * 16 else None
    if table is None:
        return Dynamic(interpreter=interpreter, names=names, read=False)
    entries = list(_entries(table, form))
    strings = next((_place(segments, value) for tag, value in entries if tag == _STRTAB), None)
    texts: dict[int, list[str]] = {_NEEDED: [], _SONAME: [], _RPATH: [], _RUNPATH: []}
    whole = True
    for tag, value in entries:
        if tag in texts:
            text = None if strings is None else _text(window, strings + value)
            whole = whole and text is not None
            texts[tag].append(text or "")
    return Dynamic(
        needed=tuple(name for name in texts[_NEEDED] if name),
        rpath=_paths(texts[_RPATH]),
        runpath=_paths(texts[_RUNPATH]),
        soname="".join(texts[_SONAME][:1]),
        interpreter=interpreter,
        names=names,
        read=whole,
    )


def _entries(table: bytes, form: _Form) -> Iterator[tuple[int, int]]:
    width = 16 if form.wide else 8
    for at in range(0, len(table) - width + 1, width):
        tag, value = struct.unpack_from(form.order + ("qQ" if form.wide else "iI"), table, at)
        if tag == 0:
            return
        yield tag, value


def _place(segments: list[tuple[int, int, int, int]], address: int) -> int | None:
    """The offset in the file of what is loaded at `address`."""
    for kind, offset, start, size in segments:
        if kind == _LOAD and start <= address < start + size:
            return offset + address - start
    return None


def _text(window: _Window, offset: int) -> str | None:
    """The string at `offset`, up to its NUL; None where it was not kept or has no end."""
    for size in (256, _TEXT):
        found = window.get(offset, min(size, max(window.size - offset, 0)))
        if found and b"\0" in found:
            return found.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return None


def _paths(texts: list[str]) -> tuple[str, ...]:
    return tuple(path for text in texts for path in text.split(":") if path)
