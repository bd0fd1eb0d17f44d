"""A tar as a series of frames, each of which can be decompressed alone: compressed on all processors, written in order.

The bytes do not depend on how many processors there are: what a frame holds is decided before.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from slimml.oci.codec import Encoding
from slimml.oci.gzip_blocks import processors
from slimml.oci.lazy.formats import CHUNK_BYTES
from slimml.oci.lazy.spool import Spool
from slimml.oci.limits import MIB
from slimml.oci.media_types import Compression

Stretch = tuple[int, int]
"""bytes `[start, stop)` of the spooled tar"""

_BATCH_BYTES = MIB
_BATCH_FRAMES = 128
"""small frames go to a processor together: handing each over alone would cost more than compressing it"""


class Frame(NamedTuple):
    """Its content is all `pieces` in order; the first `data` bytes are those from `at` on of the file `member`.

    `member` is an index into the spool's members, -1 for a frame that begins with no file's content.
    """

    pieces: tuple[Stretch | bytes, ...]
    data: int = 0
    member: int = -1
    at: int = 0


class Made(NamedTuple):
    """A frame as it is stored. `digest` and `crc64` are of the file's content in it."""

    frame: Frame
    content: bytes
    stored: bytes
    digest: str
    crc64: int


class FrameBuilder:
    """Gathers pieces into frames; a piece that goes on where the one before ended becomes part of it."""

    def __init__(self) -> None:
        self._pieces: list[Stretch | bytes] = []
        self._data, self._member, self._at, self._size = 0, -1, 0, 0

    @property
    def full(self) -> bool:
        """Whether the frame so far should be cut, since what follows could be of any length."""
        return self._size >= 2 * CHUNK_BYTES

    def add(self, piece: Stretch | bytes) -> None:
        """More bytes that are no file's content: headers, padding."""
        self._size += _length(piece)
        if isinstance(piece, bytes):
            if piece:
                self._pieces.append(piece)
            return
        start, stop = piece
        if start == stop:
            return
        last = self._pieces[-1] if self._pieces else b""
        if isinstance(last, tuple) and last[1] == start:
            self._pieces[-1] = (last[0], stop)
        else:
            self._pieces.append(piece)

    def cut(self) -> Iterator[Frame]:
        """The frame so far, if there is one; what is added next begins another."""
        if self._pieces:
            yield Frame(tuple(self._pieces), self._data, self._member, self._at)
        self._pieces, self._data, self._member, self._at, self._size = [], 0, -1, 0, 0

    def begin(self, piece: Stretch | bytes, member: int, at: int) -> None:
        """A chunk of the file `member`, from its byte `at` on, begins a frame."""
        self._pieces = [piece]
        self._data = self._size = _length(piece)
        self._member, self._at = member, at


def _length(piece: Stretch | bytes) -> int:
    return len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]


def chunks_of(start: int, size: int) -> Iterator[Stretch]:
    """The chunks of `size` bytes that begin at `start`."""
    for at in range(start, start + size, CHUNK_BYTES):
        yield at, min(at + CHUNK_BYTES, start + size)


def make_frames(spool: Spool, frames: Iterable[Frame], encoding: Encoding, *, with_crc: bool) -> Iterator[Made]:
    """Each frame compressed, in order; no more than a few MiB for each processor are under way."""
    threads = encoding.threads or processors()
    work = _Work(spool, encoding, with_crc)
    if threads == 1:
        for batch in _batches(frames):
            yield from work(batch)
        return
    pool = ThreadPoolExecutor(threads, "slimml-frames")
    try:
        pending: deque[Future[list[Made]]] = deque()
        for batch in _batches(frames):
            pending.append(pool.submit(work, batch))
            if len(pending) > 2 * threads:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    size = 0
    for frame in frames:
        batch.append(frame)
        size += sum(map(_length, frame.pieces))
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_FRAMES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Work:
    """What a processor does with a batch; a compressor of zstd serves one thread at a time."""

    def __init__(self, spool: Spool, encoding: Encoding, with_crc: bool) -> None:
        self._spool, self._encoding, self._with_crc = spool, encoding, with_crc
        self._own = threading.local()

    def __call__(self, batch: list[Frame]) -> list[Made]:
        compress = getattr(self._own, "compress", None)
        if compress is None:
            compress = self._own.compress = one_frame(self._encoding)
        return [self._make(frame, compress) for frame in batch]

    def _make(self, frame: Frame, compress: Callable[[bytes], bytes]) -> Made:
        content = b"".join(piece if isinstance(piece, bytes) else self._spool.read(*piece) for piece in frame.pieces)
        data = memoryview(content)[: frame.data]
        crc = checksum(data) if self._with_crc and frame.data else 0
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}" if frame.data else ""
        return Made(frame, content, compress(content), digest, crc)


def one_frame(encoding: Encoding) -> Callable[[bytes], bytes]:
    """A function that makes one member of gzip (RFC 1952) or one frame of zstd (RFC 8878) of some bytes."""
    if encoding.compression is Compression.GZIP:
        from deflate import gzip_compress

        return lambda content: bytes(gzip_compress(content, encoding.level))
    import zstandard

    made = zstandard.ZstdCompressor(level=encoding.level, write_checksum=True, write_content_size=True)
    return made.compress


def checksum(data: bytes | memoryview, before: int = 0) -> int:
    """CRC-64 of ISO 3309 as Go has it (hash/crc64, ISO), carried on from `before`."""
    from fastcrc import crc64

    return int(crc64.go_iso(data, before))
