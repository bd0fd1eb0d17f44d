"""The pickle machine (PEP 307, 3154, 574; CPython's pickletools.py), without its power: it builds only descriptions.

Where CPython would import, a Global notes the name; where it would call, a Made notes what with. An operation that an
object would refuse is passed over, so that nothing after it stays unseen.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from slimml.models.content import Cursor, Unreadable
from slimml.models.pickles.values import Blob, Global, Made, Pairs, Persistent, Sequence

MOST_KEPT_BYTES: Final = 32 << 20
_LONGEST_KEPT: Final = 1024
_CONTAINER_STEPS: Final = 5
_COUNTED_AT_ONCE: Final = 256
_UNKNOWN: Final = "?"

Built = Callable[[Made, Cursor], None]
"""Told of every object that got its state: joblib's arrays follow their descriptions in the stream."""


@dataclass
class Loaded:
    """What a pickle describes. `globals` are all names that loading would import up to where it `broken` off: ""
    where it did not. `protocol` is what it says of itself, `old_text` that it holds strings of Python 2.
    """

    value: Any = None
    globals: dict[Global, None] = field(default_factory=dict)
    broken: str = ""
    protocol: int = 0
    old_text: bool = False


def load(cursor: Cursor, built: Built | None = None, into: Loaded | None = None) -> Loaded:
    """The description of the pickle at the cursor, which then stands behind it; nothing is raised for its faults."""
    loaded = into or Loaded()
    machine = _Machine(cursor, loaded, built)
    try:
        loaded.value = machine.run()
    except Unreadable as error:
        loaded.broken = str(error)
    except (IndexError, KeyError, ValueError, struct.error, OverflowError) as error:
        loaded.broken = f"no pickle before offset {cursor.position:,} ({type(error).__name__})"
    return loaded


class _Machine:
    """Stack, marks and memo of one run."""

    def __init__(self, cursor: Cursor, loaded: Loaded, built: Built | None) -> None:
        self.cursor, self.loaded, self.built = cursor, loaded, built
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.kept = 0

    def run(self) -> Any:
        cursor, table = self.cursor, _TABLE
        byte, done = cursor.byte, 0
        while True:
            done += 1
            if not done % _COUNTED_AT_ONCE:
                cursor.content.step(_COUNTED_AT_ONCE)
            code = byte()
            if code == 0x2E:  # STOP
                return self.stack.pop()
            act = table[code]
            if act is None:
                raise Unreadable(f"no opcode of pickle, 0x{code:02x}, at offset {cursor.position - 1:,}")
            act(self)

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def container(self, value: Any) -> None:
        self.cursor.content.step(_CONTAINER_STEPS)
        self.stack.append(value)

    def popped(self) -> list[Any]:
        """What lies above the last mark, which goes."""
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def number(self, kind: str) -> Any:
        return struct.unpack(kind, self.cursor.read(struct.calcsize(kind)))[0]

    def natural(self) -> int:
        """The next four bytes as a number."""
        return int.from_bytes(self.cursor.read(4), "little")

    def stretch(self, kind: str, size: int) -> None:
        """Push `size` bytes of the stream as `kind`, or where they lie, when they are long."""
        at = self.cursor.position
        if size > _LONGEST_KEPT or self.kept + size > MOST_KEPT_BYTES:
            self.cursor.skip(size)
            self.container(Blob(kind, at, size))
            return
        self.kept += size
        data = self.cursor.read(size)
        try:
            self.push(_DECODE[kind](data))
        except UnicodeDecodeError:
            self.push(Blob(kind, at, size))

    def old_stretch(self, size: int) -> None:
        self.loaded.old_text = True
        self.stretch("str", size)

    def name(self, module: Any, name: Any) -> Global:
        words = [word if type(word) is str else _UNKNOWN for word in (module, name)]
        found = Global(words[0], words[1])
        self.loaded.globals[found] = None
        self.cursor.content.step(_CONTAINER_STEPS)
        return found

    def made(self, how: str, called: Any, arguments: Any, keywords: Any = None) -> None:
        self.container(Made(how, called, arguments, keywords))

    def global_line(self) -> None:
        module, name = self.cursor.line(), self.cursor.line()
        self.push(self.name(module.decode("utf-8", "replace"), name.decode("utf-8", "replace")))

    def stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.push(self.name(module, name))

    def inst(self) -> None:
        module, name = self.cursor.line(), self.cursor.line()
        called = self.name(module.decode("utf-8", "replace"), name.decode("utf-8", "replace"))
        self.made("inst", called, tuple(self.popped()))

    def obj(self) -> None:
        called, *arguments = self.popped()
        self.made("obj", called, tuple(arguments))

    def call(self, how: str) -> None:
        arguments, called = self.stack.pop(), self.stack.pop()
        self.made(how, called, arguments)

    def newobj_ex(self) -> None:
        keywords, arguments, called = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.made("newobj_ex", called, arguments, keywords)

    def extension(self, kind: str) -> None:
        self.push(self.name("copyreg extension", str(self.number(kind))))

    def build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Made):
            target.filled.append(("state", state))
            if self.built is not None:
                self.built(target, self.cursor)

    def appends(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Sequence):
            target.items.extend(items)
        elif isinstance(target, Made):
            target.filled.append(("append", items))

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        pairs = _paired(items)
        if isinstance(target, Pairs):
            target.items.extend(pairs)
        elif isinstance(target, Made):
            target.filled.append(("pairs", Pairs(pairs)))

    def top(self, count: int) -> list[Any]:
        taken = self.stack[-count:]
        if len(taken) != count:
            raise IndexError
        del self.stack[-count:]
        return taken

    def mark(self) -> None:
        self.cursor.content.step(_CONTAINER_STEPS)
        self.marks.append(self.stack)
        self.stack = []

    def pop(self) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.popped()

    def line_text(self) -> str:
        self.kept += len(line := self.cursor.line())
        if self.kept > MOST_KEPT_BYTES:
            raise Unreadable(f"more than {MOST_KEPT_BYTES:,} bytes of words")
        return line.decode("latin-1")

    def quoted(self) -> None:
        self.loaded.old_text = True
        self.push(self.line_text()[1:-1])

    def integer_line(self) -> None:
        word = self.line_text()
        self.push({"00": False, "01": True}[word] if word in ("00", "01") else int(word.rstrip("L") or "0"))

    def long(self, size: int) -> None:
        if size > _LONGEST_KEPT:
            self.stretch("int", size)
        else:
            self.push(int.from_bytes(self.cursor.read(size), "little", signed=True))

    def proto(self) -> None:
        self.loaded.protocol = self.cursor.byte()

    def short_put(self) -> None:
        self.memo[self.cursor.byte()] = self.stack[-1]

    def put(self, key: int) -> None:
        self.memo[key] = self.stack[-1]

    def get(self, key: int) -> None:
        self.push(self.memo[key])


def _paired(items: list[Any]) -> list[tuple[Any, Any]]:
    return list(zip(items[::2], items[1::2], strict=True))


_DECODE: Final[dict[str, Callable[[bytes], Any]]] = {
    "str": lambda data: data.decode("utf-8", "surrogatepass"),
    "bytes": bytes,
    "bytearray": bytearray,
}


def _table() -> list[Callable[[_Machine], Any] | None]:
    table: list[Callable[[_Machine], Any] | None] = [None] * 256
    for code, act in _OPCODES.items():
        table[code[0]] = act
    return table


_OPCODES: Final[dict[bytes, Callable[[_Machine], Any]]] = {
    b"(": _Machine.mark,
    b"0": _Machine.pop,
    b"1": lambda m: m.popped(),
    b"2": lambda m: m.push(m.stack[-1]),
    b"F": lambda m: m.push(float(m.line_text())),
    b"I": _Machine.integer_line,
    b"L": _Machine.integer_line,
    b"J": lambda m: m.push(m.number("<i")),
    b"K": lambda m: m.push(m.cursor.byte()),
    b"M": lambda m: m.push(m.number("<H")),
    b"N": lambda m: m.push(None),
    b"P": lambda m: m.container(Persistent(m.line_text())),
    b"Q": lambda m: m.container(Persistent(m.stack.pop())),
    b"R": lambda m: m.call("reduce"),
    b"S": _Machine.quoted,
    b"T": lambda m: m.old_stretch(m.number("<i")),
    b"U": lambda m: m.old_stretch(m.cursor.byte()),
    b"V": lambda m: m.push(m.line_text().encode("latin-1").decode("raw-unicode-escape")),
    b"X": lambda m: m.stretch("str", m.natural()),
    b"a": lambda m: m.appends([m.stack.pop()]),
    b"b": _Machine.build,
    b"c": _Machine.global_line,
    b"d": lambda m: m.container(Pairs(_paired(m.popped()))),
    b"}": lambda m: m.container(Pairs()),
    b"e": lambda m: m.appends(m.popped()),
    b"g": lambda m: m.get(int(m.line_text())),
    b"h": lambda m: m.get(m.cursor.byte()),
    b"i": _Machine.inst,
    b"j": lambda m: m.get(m.natural()),
    b"l": lambda m: m.container(Sequence("list", m.popped())),
    b"]": lambda m: m.container(Sequence()),
    b"o": _Machine.obj,
    b"p": lambda m: m.put(int(m.line_text())),
    b"q": _Machine.short_put,
    b"r": lambda m: m.put(m.natural()),
    b"s": lambda m: m.set_items(m.top(2)),
    b"t": lambda m: m.container(tuple(m.popped())),
    b")": lambda m: m.push(()),
    b"u": lambda m: m.set_items(m.popped()),
    b"G": lambda m: m.push(m.number(">d")),
    b"\x80": _Machine.proto,
    b"\x81": lambda m: m.call("newobj"),
    b"\x82": lambda m: m.extension("<B"),
    b"\x83": lambda m: m.extension("<H"),
    b"\x84": lambda m: m.extension("<I"),
    b"\x85": lambda m: m.container(tuple(m.top(1))),
    b"\x86": lambda m: m.container(tuple(m.top(2))),
    b"\x87": lambda m: m.container(tuple(m.top(3))),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"\x8a": lambda m: m.long(m.cursor.byte()),
    b"\x8b": lambda m: m.long(m.number("<i")),
    b"B": lambda m: m.stretch("bytes", m.natural()),
    b"C": lambda m: m.stretch("bytes", m.cursor.byte()),
    b"\x8c": lambda m: m.stretch("str", m.cursor.byte()),
    b"\x8d": lambda m: m.stretch("str", m.number("<Q")),
    b"\x8e": lambda m: m.stretch("bytes", m.number("<Q")),
    b"\x8f": lambda m: m.container(Sequence("set")),
    b"\x90": lambda m: m.appends(m.popped()),
    b"\x91": lambda m: m.container(Sequence("frozenset", m.popped())),
    b"\x92": _Machine.newobj_ex,
    b"\x93": _Machine.stack_global,
    b"\x94": lambda m: m.put(len(m.memo)),
    b"\x95": lambda m: m.number("<Q"),
    b"\x96": lambda m: m.stretch("bytearray", m.number("<Q")),
    b"\x97": lambda m: m.container(Persistent("out-of-band buffer")),
    b"\x98": lambda m: None,
}

_TABLE: Final = _table()
