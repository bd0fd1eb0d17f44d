"""Compression of layers behind one seam: gzip by ISA-L, zlib-ng or zlib (RFC 1952), zstd (RFC 8878), or none."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol, Self, cast

from slimml.errors import InvalidImage, LimitExceeded, UsageError
from slimml.oci.limits import DEFAULT_LIMITS, MIB, Limits
from slimml.oci.media_types import Compression

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slimml.oci.image import Stream

READ_BYTES = 256 * 1024
"""how much of a blob is asked for at once"""
BUFFER_BYTES = 512 * 1024
"""how much decompressed data is handed on at once: it stays in a core's cache until it has been read and hashed"""

ZSTD_INPUT_BYTES = 32 * 1024
"""how much of a zstd blob the decoder takes at once"""

_GZIP_INPUT_BYTES = 64 * 1024
"""what a gzip decoder is given at once; it hands back a copy of what it did not use"""
_GZIP_WINDOW = 31
_RATIO_FROM = 64 * MIB
_LEVELS = {Compression.NONE: (0, 0, 0), Compression.GZIP: (1, 12, 6), Compression.ZSTD: (1, 22, 3)}


@dataclass(frozen=True)
class Encoding:
    """How a new layer is compressed. The bytes do not depend on `threads` (0: one per processor)."""

    compression: Compression = Compression.GZIP
    level: int = 6
    threads: int = 0


def parse_encoding(text: str, threads: int = 0) -> Encoding:
    """`gzip`, `zstd:19`, `none`; raises UsageError."""
    name, colon, level = text.partition(":")
    try:
        compression = Compression(name)
    except ValueError:
        raise UsageError(f"compression {name!r} is not known; use none, gzip or zstd, with :LEVEL after it") from None
    lowest, highest, default = _LEVELS[compression]
    if colon and not (level.isdigit() and lowest <= int(level) <= highest):
        raise UsageError(f"{name} levels go from {lowest} to {highest}, not {level!r}")
    return Encoding(compression, int(level) if colon else default, threads)


class Source(Protocol):
    """Anything that can be read from."""

    def read(self, size: int = -1, /) -> bytes: ...


class Compressor(Protocol):
    """Bytes in, compressed bytes out."""

    def compress(self, data: bytes | memoryview, /) -> bytes: ...
    def finish(self) -> bytes: ...


class _Stored:
    def compress(self, data: bytes | memoryview, /) -> bytes:
        return bytes(data)

    def finish(self) -> bytes:
        return b""


class _Zstd:
    def __init__(self, encoding: Encoding) -> None:
        import zstandard

        # One thread's worth of jobs gives other bytes than none, so that there is always at least one.
        threads = encoding.threads if encoding.threads > 0 else -1
        parameters = zstandard.ZstdCompressionParameters.from_level(
            encoding.level, threads=threads, write_checksum=True, write_content_size=False
        )
        self._object = zstandard.ZstdCompressor(compression_params=parameters).compressobj()

    def compress(self, data: bytes | memoryview, /) -> bytes:
        return self._object.compress(data)

    def finish(self) -> bytes:
        return self._object.flush()


def compressor(encoding: Encoding) -> Compressor:
    """A compressor for one layer."""
    match encoding.compression:
        case Compression.NONE:
            return _Stored()
        case Compression.ZSTD:
            return _Zstd(encoding)
        case Compression.GZIP:
            from slimml.oci.gzip_blocks import GzipBlocks

            return GzipBlocks(encoding.level, encoding.threads)


class Decoded:
    """Iterates over a blob's decompressed bytes, in pieces of at most BUFFER_BYTES.

    `consumed` blob bytes gave the `produced` bytes so far (for zstd to within ZSTD_INPUT_BYTES). Raises InvalidImage
    for damaged data, LimitExceeded for a decompression bomb, and what reading the source raises.
    """

    def __init__(self, source: Source, compression: Compression, what: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self._what, self._limits = what, limits
        self._source = source
        self.consumed = 0
        self.produced = 0
        self._pieces = _DECODERS[compression](self)

    def read(self, size: int = READ_BYTES) -> bytes:
        """More of the blob, for the decoder."""
        data = self._source.read(size)
        self.consumed += len(data)
        return data

    def __iter__(self) -> Iterator[bytes]:
        limits = self._limits
        for piece in self._pieces:
            self.produced += len(piece)
            if self.produced > limits.layer_bytes:
                raise LimitExceeded(f"{self._what} has more than {limits.layer_bytes} bytes", "layer_bytes")
            if self.produced > _RATIO_FROM and self.produced > limits.ratio * self.consumed:
                raise LimitExceeded(f"{self._what} expands over {limits.ratio} times", "ratio")
            yield piece

    @property
    def limits(self) -> Limits:
        """The limits that hold."""
        return self._limits

    def damaged(self, why: object) -> InvalidImage:
        """The error for data that do not decode."""
        return InvalidImage(f"{self._what} is damaged: {why}")


def _plain(blob: Decoded) -> Iterator[bytes]:
    while piece := blob.read():
        yield piece


def _gzip(blob: Decoded) -> Iterator[bytes]:
    """Members one after the other, zero padding between and after them (RFC 1952, 2.2)."""
    new, failure = inflater()
    data = memoryview(blob.read())
    if not data:
        raise blob.damaged("it is empty")
    while data := _past_padding(data, blob):
        member = new(_GZIP_WINDOW)
        while not member.eof:
            if not data:
                data = memoryview(blob.read())
                if not data:
                    raise blob.damaged("its gzip stream is cut off")
            given, data = data[:_GZIP_INPUT_BYTES], data[_GZIP_INPUT_BYTES:]
            while given:
                before = len(given)
                try:
                    piece = member.decompress(given, BUFFER_BYTES)
                except failure as error:
                    raise blob.damaged(error) from None
                given = member.unused_data if member.eof else member.unconsumed_tail
                if not piece and not member.eof and len(given) == before:
                    raise blob.damaged("its gzip stream does not end")
                held = len(given) + len(data)
                blob.consumed -= held
                yield piece
                blob.consumed += held
                if member.eof:
                    break
            if member.eof and given:
                data = memoryview(bytes(given) + bytes(data))


def _past_padding(data: memoryview, blob: Decoded) -> memoryview:
    while True:
        if data and data[0]:
            return data
        rest = bytes(data).lstrip(b"\0")
        if rest:
            return memoryview(rest)
        data = memoryview(blob.read())
        if not data:
            return data


def _zstd(blob: Decoded) -> Iterator[bytes]:
    """Frames one after the other, skippable ones passed over (RFC 8878, 3.1). The tar inside tells a frame cut off."""
    import zstandard

    window = blob.limits.zstd_window_bytes
    context = zstandard.ZstdDecompressor(max_window_size=window)
    reader = context.stream_reader(cast(IO[bytes], blob), read_size=ZSTD_INPUT_BYTES, read_across_frames=True)
    try:
        while piece := reader.read(BUFFER_BYTES):
            yield piece
    except zstandard.ZstdError as error:
        if "memory" in str(error):
            raise LimitExceeded("a zstd frame wants too large a window", "zstd_window_bytes") from None
        raise blob.damaged(error) from None


_DECODERS = {Compression.NONE: _plain, Compression.GZIP: _gzip, Compression.ZSTD: _zstd}


def inflater() -> tuple[Any, Any]:
    """The fastest inflate of this machine: `decompressobj` and its error."""
    try:
        from isal import isal_zlib

        return isal_zlib.decompressobj, isal_zlib.error
    except ImportError:
        pass
    try:
        from zlib_ng import zlib_ng

        return zlib_ng.decompressobj, zlib_ng.error
    except ImportError:
        return zlib.decompressobj, zlib.error


class _Inflated:
    """A decompressed blob as a stream."""

    def __init__(self, stream: Stream, pieces: Iterator[bytes]) -> None:
        self._stream, self._pieces = stream, pieces
        self._rest = memoryview(b"")

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            rest, self._rest = bytes(self._rest), memoryview(b"")
            return rest + b"".join(self._pieces)
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        found, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return found

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def decompressed(stream: Stream, compression: Compression, what: str, limits: Limits = DEFAULT_LIMITS) -> Stream:
    """The plain bytes of a compressed stream; closing the result closes `stream`. Raises as Decoded does."""
    return _Inflated(stream, iter(Decoded(stream, compression, what, limits)))
