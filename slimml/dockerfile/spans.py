"""Where things stand: spans of a file's bytes, and logical lines that know where each of their bytes came from."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

_SPACE = rb"(?:[\t\n\v\f\r ]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80)"
"""What Go's unicode.IsSpace takes for white space, in UTF-8."""

SPACE = re.compile(_SPACE)
"""One white space character."""

_LEADING = re.compile(_SPACE + rb"*")


@dataclass(frozen=True, order=True)
class Span:
    """Bytes `start` up to, not including, `end` of a file."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def __contains__(self, other: Span) -> bool:
        return self.start <= other.start and other.end <= self.end

    def of(self, data: bytes) -> bytes:
        """The bytes of `data` in this span."""
        return data[self.start : self.end]


@dataclass(frozen=True)
class Piece:
    """`length` bytes of a logical line from `at` on that stand in the file from `source` on."""

    at: int
    source: int
    length: int


@dataclass(frozen=True)
class Logical:
    """A logical line: the bytes that a builder sees after continuations and the comments within them are gone."""

    data: bytes
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The bytes as text; bytes that are no UTF-8 are kept as lone surrogates."""
        return decode(self.data)

    def source(self, at: int) -> int:
        """The file's offset of the byte `at`; for the end of the line, the offset behind its last byte."""
        if not self.pieces:
            raise ValueError("an empty logical line stands nowhere")
        if at >= len(self.data):
            last = self.pieces[-1]
            return last.source + last.length
        piece = self.pieces[bisect_right(self.pieces, at, key=lambda piece: piece.at) - 1]
        return piece.source + at - piece.at

    def span(self, start: int = 0, end: int | None = None) -> Span:
        """The file's span of the bytes `start` to `end`, with the continuations between them."""
        end = len(self.data) if end is None else end
        if start >= end:
            at = self.source(start)
            return Span(at, at)
        return Span(self.source(start), self.source(end - 1) + 1)

    def cut(self, start: int, end: int | None = None) -> Logical:
        """The part from `start` to `end`."""
        end = len(self.data) if end is None else end
        if start >= end:
            at = self.source(start)
            return Logical(b"", (Piece(0, at, 0),))
        kept = []
        for piece in self.pieces:
            first, last = max(piece.at, start), min(piece.at + piece.length, end)
            if first < last:
                kept.append(Piece(first - start, piece.source + first - piece.at, last - first))
        return Logical(self.data[start:end], tuple(kept))

    def trimmed(self) -> Logical:
        """Without white space at both ends."""
        start = leading_space(self.data)
        return self.cut(start, max(start, len(self.data) - trailing_space(self.data)))

    def joined(self, other: Logical) -> Logical:
        """This line and then the other."""
        moved = tuple(Piece(piece.at + len(self.data), piece.source, piece.length) for piece in other.pieces)
        return Logical(self.data + other.data, self.pieces + moved)


def plain(data: bytes, span: Span) -> Logical:
    """A part of the file as it stands."""
    return Logical(span.of(data), (Piece(0, span.start, len(span)),))


def leading_space(data: bytes, start: int = 0) -> int:
    """The length of the white space at `start`."""
    found = _LEADING.match(data, start)
    return found.end() - start if found else 0


def trailing_space(data: bytes) -> int:
    """The length of the white space at the end."""
    at = len(data)
    while at:
        for width in (1, 2, 3):
            if at >= width and SPACE.fullmatch(data, at - width, at):
                at -= width
                break
        else:
            break
    return len(data) - at


def decode(data: bytes) -> str:
    """Bytes as text; what is no UTF-8 is kept as lone surrogates."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The bytes of which `decode` made the text."""
    return text.encode("utf-8", "surrogateescape")
