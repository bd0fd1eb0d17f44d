"""Writes a description back as a pickle that makes the same objects, as CPython's pickle.py would have written it.

What one object names twice stays one object. Values that were not kept are copied from the file they were read from.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final

from slimml.models.content import Content, Unreadable
from slimml.models.pickles.values import Blob, Global, Made, Pairs, Persistent, Sequence

_DEEPEST: Final = 80
_CALLS: Final = {"reduce": b"R", "newobj": b"\x81", "newobj_ex": b"\x92"}
_TUPLES: Final = {1: b"\x85", 2: b"\x86", 3: b"\x87"}
_BLOBS: Final = {"str": (b"X", "<I"), "bytes": (b"B", "<I"), "bytearray": (b"\x96", "<Q"), "int": (b"\x8b", "<i")}

Replace = Callable[[Any], Any]
"""Gives what is written in place of a dict: the dict itself, or another"""


def dump(value: Any, source: Content, protocol: int, replaced: Replace) -> bytes:
    """The pickle of `value`, read from `source`. Raises Unreadable for what cannot be written again as it was."""
    writer = _Writer(source, replaced)
    writer.write(value, 0)
    return b"\x80" + bytes([protocol]) + b"".join(writer.out) + b"."


class _Writer:
    """The opcodes so far, and which objects are in the memo."""

    def __init__(self, source: Content, replaced: Replace) -> None:
        self.source, self.replaced = source, replaced
        self.out: list[bytes] = []
        self.memo: dict[int, int] = {}
        self.words: dict[tuple[type, Any], int] = {}
        self.held: list[Any] = []

    def write(self, value: Any, depth: int) -> None:
        """Append the opcodes that leave `value` on the stack."""
        if depth > _DEEPEST:
            raise Unreadable(f"a pickle nested more than {_DEEPEST} deep, or inside itself")
        if id(value) in self.memo:
            self.get(self.memo[id(value)])
        elif value is None or value is True or value is False:
            self.out.append({None: b"N", True: b"\x88", False: b"\x89"}[value])
        elif type(value) is int:
            self.out.append(_integer(value))
        elif type(value) is float:
            self.out.append(b"G" + struct.pack(">d", value))
        elif isinstance(value, str | Global):
            self.word(value)
        elif isinstance(value, bytes | bytearray | Blob):
            self.stretch(value)
        elif isinstance(value, Persistent):
            self.write(value.name, depth + 1)
            self.out.append(b"Q")
        else:
            self.compound(value, depth)

    def compound(self, value: Any, depth: int) -> None:
        if isinstance(value, tuple):
            self.tuple(value, depth)
        elif isinstance(value, Pairs):
            self.out.append(b"}")
            self.put(value)
            self.pairs(self.replaced(value), depth)
        elif isinstance(value, Sequence) and value.kind == "frozenset":
            self.out.append(b"(")
            self.all(value.items, depth)
            self.out.append(b"\x91")
            self.put(value)
        elif isinstance(value, Sequence):
            self.out.append(b"]" if value.kind == "list" else b"\x8f")
            self.put(value)
            self.several(value.items, b"e" if value.kind == "list" else b"\x90", depth)
        elif isinstance(value, Made):
            self.made(value, depth)
        else:
            raise Unreadable(f"a value of kind {type(value).__name__} in a pickle")

    def made(self, value: Made, depth: int) -> None:
        if value.how not in _CALLS:
            raise Unreadable("an object made as protocols 0 and 1 make them")
        self.write(value.called, depth + 1)
        self.write(value.arguments, depth + 1)
        if value.how == "newobj_ex":
            self.write(value.keywords, depth + 1)
        self.out.append(_CALLS[value.how])
        self.put(value)
        for kind, filled in value.filled:
            if kind == "append":
                self.several(filled, b"e", depth)
            elif kind == "pairs":
                self.pairs(filled, depth)
            else:
                self.write(filled, depth + 1)
                self.out.append(b"b")

    def tuple(self, value: tuple[Any, ...], depth: int) -> None:
        if not value:
            self.out.append(b")")
            return
        if len(value) > 3:
            self.out.append(b"(")
        self.all(value, depth)
        self.out.append(_TUPLES.get(len(value), b"t"))
        self.put(value)

    def pairs(self, value: Pairs, depth: int) -> None:
        self.several([one for pair in value.items for one in pair], b"u", depth)

    def several(self, items: list[Any], code: bytes, depth: int) -> None:
        if items:
            self.out.append(b"(")
            self.all(items, depth)
            self.out.append(code)

    def all(self, items: Any, depth: int) -> None:
        for item in items:
            self.write(item, depth + 1)

    def word(self, value: Any) -> None:
        """Text and names, which are the same wherever they are equal."""
        known = self.words.get((type(value), value))
        if known is not None:
            self.get(known)
            return
        if isinstance(value, Global):
            if "\n" in value.module + value.name or "?" in value.module + value.name:
                raise Unreadable(f"a name that is none: {str(value)[:100]!r}")
            self.out.append(b"c" + f"{value.module}\n{value.name}\n".encode())
        else:
            data = value.encode("utf-8", "surrogatepass")
            self.out.append(b"X" + struct.pack("<I", len(data)) + data)
        self.words[type(value), value] = self.number()

    def stretch(self, value: bytes | bytearray | Blob) -> None:
        if isinstance(value, Blob):
            kind, data = value.kind, self.source.at(value.offset, value.size)
        else:
            kind, data = type(value).__name__, bytes(value)
        code, width = _BLOBS[kind]
        self.out.append(code + struct.pack(width, len(data)) + data)
        self.put(value)

    def put(self, value: Any) -> None:
        self.held.append(value)  # an object that is freed would lend its id to another
        self.memo[id(value)] = self.number()

    def number(self) -> int:
        """Put what is on top of the stack into the memo, under the next number."""
        number = len(self.memo) + len(self.words)
        self.out.append(b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<I", number))
        return number

    def get(self, number: int) -> None:
        self.out.append(b"h" + bytes([number]) if number < 256 else b"j" + struct.pack("<I", number))


def _integer(value: int) -> bytes:
    if 0 <= value < 1 << 8:
        return b"K" + bytes([value])
    if 0 <= value < 1 << 16:
        return b"M" + struct.pack("<H", value)
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data if len(data) < 256 else b"\x8b" + struct.pack("<i", len(data)) + data
