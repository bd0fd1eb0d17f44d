"""Pieces of bytes from an iterator, as a stream."""

from collections.abc import Callable, Iterator
from typing import Self


class PieceStream:
    """`read` hands on what `pieces` yields, cut to the size asked for; `on_close` is called once."""

    def __init__(self, pieces: Iterator[bytes], on_close: Callable[[], None] | None = None) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")
        self._on_close = on_close

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes (all that is left for -1), b"" at the end; raises what the iterator raises."""
        if size < 0:
            return bytes(self._rest) + b"".join(self._pieces)
        while not self._rest and size:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            if len(piece) <= size and piece:
                return piece
            self._rest = memoryview(piece)
        found, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return found

    def close(self) -> None:
        """Let go of the source; a second call does nothing."""
        self._rest = memoryview(b"")
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
        if self._on_close is not None:
            done, self._on_close = self._on_close, None
            done()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
