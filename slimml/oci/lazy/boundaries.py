"""A blob decompressed, and where in blob and tar each member of gzip, or frame of zstd, begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.codec import BUFFER_BYTES, READ_BYTES, inflater
from slimml.oci.image import Stream
from slimml.oci.limits import Limits
from slimml.oci.media_types import Compression

_GZIP_WINDOW = 31
_GZIP_INPUT_BYTES = 64 * 1024
_ZSTD_INPUT_BYTES = 1024
"""A byte of zstd may stand for 32 KiB, and all that one call gives is in memory at once."""
_MAGIC_BYTES = 4
_SKIPPABLE_HEAD = 8


class Framed:
    """Iterate over it for the tar; `starts` then has the tar's position for each place in the blob where one begins.

    The end of the last frame with content is among them. Raises InvalidImage, LimitExceeded, and what reading raises.
    """

    def __init__(self, blob: Stream, compression: Compression, what: str, limits: Limits) -> None:
        self._blob, self._what, self._limits = blob, what, limits
        self._pieces = self._gzip() if compression is Compression.GZIP else self._zstd()
        self._held = b""
        self._at = 0  # how much of what is held was taken
        self._before = 0  # bytes of the blob before what is held
        self._tar = 0
        self.starts: dict[int, int] = {}

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._tar += len(piece)
            if self._tar > self._limits.layer_bytes:
                raise LimitExceeded(f"{self._what} has more than {self._limits.layer_bytes} bytes", "layer_bytes")
            if piece:
                yield piece
        self._note()

    def _note(self) -> None:
        self.starts[self._before + self._at] = self._tar

    def _need(self, count: int) -> bool:
        """Whether so many bytes are left of what is held, or could be fetched."""
        while len(self._held) - self._at < count:
            piece = self._blob.read(READ_BYTES)
            if not piece:
                return False
            self._before += self._at
            self._held, self._at = self._held[self._at :] + piece, 0
        return True

    def _take(self, count: int) -> bytes:
        found = self._held[self._at : self._at + count]
        self._at += len(found)
        return found

    def _run(self, made: Any, step: int, decompress: Callable[[bytes], bytes], failure: Any) -> Iterator[bytes]:
        """One member or frame, from its first byte to its last."""
        while not made.eof:
            if not self._need(1):
                raise InvalidImage(f"{self._what} is damaged: its compressed data are cut off")
            given = self._take(step)
            while given:
                try:
                    piece = decompress(given)
                except failure as error:
                    raise InvalidImage(f"{self._what} is damaged: {error}") from None
                left = bytes(made.unused_data if made.eof else made.unconsumed_tail)
                if made.eof:
                    self._at -= len(left)
                    left = b""
                elif not piece and len(left) == len(given):
                    raise InvalidImage(f"{self._what} is damaged: its compressed data do not end")
                given = left
                yield piece

    def _gzip(self) -> Iterator[bytes]:
        new, failure = inflater()
        while self._need(1):
            if self._held[self._at] == 0:  # padding after a member
                self._take(1)
                continue
            self._note()
            made = new(_GZIP_WINDOW)
            yield from self._run(made, _GZIP_INPUT_BYTES, partial(_decompress, made), failure)

    def _zstd(self) -> Iterator[bytes]:
        import zstandard

        context = zstandard.ZstdDecompressor(max_window_size=self._limits.zstd_window_bytes)
        while self._need(1):
            self._note()
            if self._need(_MAGIC_BYTES) and _is_skippable(self._held[self._at : self._at + _MAGIC_BYTES]):
                self._skip()
                continue
            made = context.decompressobj()
            yield from self._run(made, _ZSTD_INPUT_BYTES, made.decompress, zstandard.ZstdError)

    def _skip(self) -> None:
        if not self._need(_SKIPPABLE_HEAD):
            raise InvalidImage(f"{self._what} is damaged: its compressed data are cut off")
        left = int.from_bytes(self._take(_SKIPPABLE_HEAD)[_MAGIC_BYTES:], "little")
        while left:
            if not self._need(1):
                raise InvalidImage(f"{self._what} is damaged: its compressed data are cut off")
            left -= len(self._take(left))


def _decompress(member: Any, given: bytes) -> bytes:
    return bytes(member.decompress(given, BUFFER_BYTES))


def _is_skippable(magic: bytes) -> bool:
    """Whether a decoder of zstd passes over a frame of this magic number (RFC 8878, 3.1.2)."""
    return magic[1:] == b"\x2a\x4d\x18" and magic[0] & 0xF0 == 0x50
