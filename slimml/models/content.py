"""The bytes of one model file as its reader sees them: any stretch of them, within bounds of work and memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import IO, Final

ReadAt = Callable[[int, int], bytes]
"""Gives the bytes at an offset, at most as many as asked for; fewer only at the end."""

MOST_AT_ONCE: Final = 64 << 20
"""bytes that a reader may hold in one piece"""
MOST_STEPS: Final = 4_000_000
"""fields, opcodes or members that a reader may look at in one file"""
MOST_READ: Final = 2 << 30
"""bytes that a reader may look at in one file, what it reads twice counted twice"""
MOST_TENSORS: Final = 250_000
MOST_NAME_BYTES: Final = 4096

_BUFFER: Final = 32 << 10
_PIECE: Final = 1 << 20


class Unreadable(Exception):
    """A file contradicts its format, or is past a bound; the message says where, in words for people."""


class Content:
    """`size` bytes, of which `read` gives stretches. Those from `kept` on are not at hand; None says that all are."""

    def __init__(self, read: ReadAt, size: int, kept: int | None = None) -> None:
        self._read, self.size, self._kept = read, size, size if kept is None else kept
        self._steps = self._bytes = 0
        self._head = b""

    @classmethod
    def of(cls, file: IO[bytes], size: int | None = None, kept: int | None = None) -> Content:
        """The content of an open file that has a descriptor; its position is neither used nor moved.

        `size` is given where the file holds only the first `kept` bytes of the content.
        """
        descriptor = file.fileno()
        return cls(
            lambda offset, count: os.pread(descriptor, count, offset),
            os.fstat(descriptor).st_size if size is None else size,
            kept,
        )

    @classmethod
    def of_bytes(cls, data: bytes) -> Content:
        """Content that is in memory."""
        return cls(lambda offset, count: data[offset : offset + count], len(data))

    @property
    def whole(self) -> bool:
        """Whether all of it is at hand."""
        return self._kept >= self.size

    def step(self, count: int = 1) -> None:
        """Count work; raises Unreadable when a file asks for more of it than any model should."""
        self._steps += count
        if self._steps > MOST_STEPS:
            raise Unreadable(f"more than {MOST_STEPS:,} parts")

    def at(self, offset: int, count: int) -> bytes:
        """Exactly `count` bytes from `offset` on; raises Unreadable where they do not exist."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise Unreadable(f"{count:,} bytes at offset {offset:,} reach past the end, {self.size:,}")
        if offset + count <= len(self._head):
            return self._head[offset : offset + count]
        if offset + count > self._kept:
            raise Unreadable(f"its description reaches past the {self._kept:,} bytes that are read of such a file")
        if count > MOST_AT_ONCE:
            raise Unreadable(f"{count:,} bytes in one piece, which is more than {MOST_AT_ONCE:,}")
        self._bytes += count
        self.step()
        if self._bytes > MOST_READ:
            raise Unreadable(f"more than {MOST_READ:,} bytes to look at")
        found = self._read(offset, count)
        if len(found) != count:
            raise Unreadable(f"it ended at offset {offset + len(found):,} while it was read")
        return found

    def pieces(self, start: int, count: int) -> Iterator[bytes]:
        """The `count` bytes from `start` on in bearable pieces, for who copies them: no work is counted."""
        end = start + count
        while start < end:
            found = self._read(start, min(_PIECE, end - start))
            if not found:
                raise Unreadable(f"it ended at offset {start:,} while it was read")
            yield found
            start += len(found)

    def head(self, count: int) -> bytes:
        """The first `count` bytes, or all there are. They are kept: many a reader asks for them."""
        found = self.at(0, min(count, self.size, self._kept))
        if len(found) > len(self._head):
            self._head = found
        return found

    def integer(self, offset: int, count: int) -> int:
        """The little-endian unsigned number of `count` bytes at `offset`."""
        return int.from_bytes(self.at(offset, count), "little")


class Cursor:
    """Reads a stretch of a content forward, from `start` to `end` (its size)."""

    def __init__(self, content: Content, start: int = 0, end: int | None = None) -> None:
        self.content = content
        self.end = content.size if end is None else end
        if not 0 <= start <= self.end <= content.size:
            raise Unreadable(f"a part from {start:,} to {self.end:,} in {content.size:,} bytes")
        self._buffer, self._first, self._next = b"", start, 0

    @property
    def position(self) -> int:
        """Where the next byte lies in the content."""
        return self._first + self._next

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self.end - self.position

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes; raises Unreadable."""
        stop = self._next + count
        if count >= 0 and stop <= len(self._buffer):
            found = self._buffer[self._next : stop]
            self._next = stop
            return found
        if count < 0 or count > self.left:
            raise Unreadable(f"{count:,} bytes at offset {self.position:,}, where {self.left:,} are left")
        if count >= _BUFFER:
            found = self.content.at(self.position, count)
            self.skip(count)
            return found
        self._fill()
        self._next = count
        return self._buffer[:count]

    def byte(self) -> int:
        """The next byte as a number."""
        if self._next < len(self._buffer):
            self._next += 1
            return self._buffer[self._next - 1]
        return self.read(1)[0]

    def skip(self, count: int) -> None:
        """Pass over `count` bytes without reading them; raises Unreadable."""
        if count < 0 or count > self.left:
            raise Unreadable(f"{count:,} bytes at offset {self.position:,}, where {self.left:,} are left")
        self._next += count
        if self._next > len(self._buffer):
            self._first, self._next, self._buffer = self.position, 0, b""

    def line(self, most: int = MOST_NAME_BYTES) -> bytes:
        """The bytes up to the next line end, which is passed over; raises Unreadable where none is near."""
        found = self._buffer.find(b"\n", self._next)
        if found < 0:
            self._fill()
            found = self._buffer.find(b"\n")
        if found < 0 or found - self._next > most:
            raise Unreadable(f"no line end within {most:,} bytes of offset {self.position:,}")
        line = self._buffer[self._next : found]
        self._next = found + 1
        return line

    def _fill(self) -> None:
        at = self.position
        self._buffer, self._first, self._next = self.content.at(at, min(_BUFFER, self.end - at)), at, 0


def text(data: bytes) -> str:
    """Words of a file, whatever they hold, cut to a bearable length."""
    return data[:MOST_NAME_BYTES].decode("utf-8", "backslashreplace")


def elements_of(shape: tuple[int, ...]) -> int:
    """How many numbers an array of this shape holds; raises Unreadable for a shape that no file can hold."""
    count = 1
    for length in shape:
        if length < 0:
            raise Unreadable(f"a negative length in a shape, {length}")
        count *= length
        if count > 1 << 62:
            raise Unreadable("an array of more than 2^62 numbers")
    return count
