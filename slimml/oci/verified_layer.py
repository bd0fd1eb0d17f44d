"""A layer's blob as stored, with its diff ID verified as well: decompressed and hashed beside the reader."""

import hashlib
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from slimml.errors import InvalidImage
from slimml.oci.codec import Decoded
from slimml.oci.digest import algorithm_of, hex_of, short
from slimml.oci.image import Layer, Stream
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import Compression, is_foreign
from slimml.oci.verify import verified

_CHUNK = 1 << 20
_PIECES = 8
"""how far the reader may be ahead of the decoder, in pieces"""


def verified_layer(layer: Layer, limits: Limits = DEFAULT_LIMITS, stream: Stream | None = None) -> Stream:
    """The stored bytes of `layer`; digest, size and diff ID are checked (image-spec config.md, "Layer DiffID").

    `stream` is the blob where somebody opened it already. Raises InvalidImage and LimitExceeded while reading, at the
    latest instead of the end of the stream.
    """
    same_algorithm = algorithm_of(layer.descriptor.digest) == algorithm_of(layer.diff_id)
    plain = layer.compression is Compression.NONE and same_algorithm
    # Of a plain layer, blob and tar are the same bytes.
    if plain and layer.descriptor.digest != layer.diff_id:
        raise InvalidImage(_mismatch(layer, hex_of(layer.descriptor.digest)))
    source = verified(stream or layer.open(), layer.descriptor)
    return source if plain else _VerifiedLayer(layer, source, limits)


def verified_tar(layer: Layer, limits: Limits, advance: Callable[[int], None]) -> Stream:
    """The tar in `layer`, decompressed; checked as `verified_layer` does. `advance` is told of stored bytes."""
    return _VerifiedTar(layer, verified(layer.open(), layer.descriptor), limits, advance)


def may_be_missing(layer: Layer) -> bool:
    """Whether an image is whole without this blob: one that may not be distributed and says where it is."""
    return is_foreign(layer.descriptor.media_type) and bool(layer.descriptor.urls)


def drain(stream: Stream, advance: Callable[[int], None]) -> int:
    """Read `stream` to its end for its checks' sake, and close it; `advance` is told of bytes. Gives their sum."""
    total = 0
    with stream:
        while piece := stream.read(_CHUNK):
            total += len(piece)
            advance(len(piece))
    return total


def _mismatch(layer: Layer, found: str) -> str:
    return f"layer {layer.descriptor.digest} holds a tar of digest {found}, the config says {layer.diff_id}"


class _VerifiedTar:
    def __init__(self, layer: Layer, blob: Stream, limits: Limits, advance: Callable[[int], None]) -> None:
        self._layer = layer
        self._blob = blob
        self._advance = advance
        self._decoded = Decoded(blob, layer.compression, f"layer {short(layer.descriptor.digest)}", limits)
        self._pieces = iter(self._decoded)
        self._rest = memoryview(b"")
        self._hash = hashlib.new(algorithm_of(layer.diff_id))
        self._told = 0

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        if not self._rest:
            piece = next(self._pieces, b"")
            self._hash.update(piece)
            if not piece:
                self._end()
            self._rest = memoryview(piece)
            self._advance(self._decoded.consumed - self._told)
            self._told = self._decoded.consumed
        found, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return found

    def _end(self) -> None:
        # A decoder may end before the blob does; the blob's digest is of all of it.
        while self._decoded.read():
            pass
        if self._hash.hexdigest() != hex_of(self._layer.diff_id):
            raise InvalidImage(_mismatch(self._layer, self._hash.hexdigest()))

    def close(self) -> None:
        self._blob.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _VerifiedLayer:
    def __init__(self, layer: Layer, stream: Stream, limits: Limits) -> None:
        self._layer = layer
        self._stream = stream
        self._pipe = _Pipe()
        self._limits = limits
        self._error: Exception | None = None
        self._hash = hashlib.new(algorithm_of(layer.diff_id))
        self._decoder = threading.Thread(target=self._decode, name="diff-id", daemon=True)
        self._decoder.start()
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        if size == 0 or self._ended:
            return b""
        piece = self._stream.read(size)
        if piece and self._error is None:
            self._pipe.put(piece)
        if not piece:
            self._end()
        if self._error is not None:
            raise self._error
        return piece

    def _end(self) -> None:
        self._ended = True
        self._pipe.put(b"")
        self._decoder.join()
        if self._error is None and self._hash.hexdigest() != hex_of(self._layer.diff_id):
            raise InvalidImage(_mismatch(self._layer, self._hash.hexdigest()))

    def _decode(self) -> None:
        try:
            what = f"layer {short(self._layer.descriptor.digest)}"
            for piece in Decoded(self._pipe, self._layer.compression, what, self._limits):
                self._hash.update(piece)
        except Exception as error:
            self._error = error
        # Whatever follows the compressed tar is the blob's affair; the reader must not wait for us.
        self._pipe.empty()

    def close(self) -> None:
        if not self._ended:
            self._ended = True
            self._pipe.abandon()
            self._decoder.join()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Abandoned(Exception):
    pass


class _Pipe:
    """The decoder's end of the stored bytes: a stream over what the reader puts in."""

    def __init__(self) -> None:
        self._queue: queue.Queue[bytes | None] = queue.Queue(_PIECES)
        self._rest = memoryview(b"")
        self._ended = False

    def put(self, piece: bytes) -> None:
        self._queue.put(piece)

    def abandon(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._queue.get_nowait()
        self._queue.put(None)

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        if not self._rest and not self._ended:
            piece = self._queue.get()
            if piece is None:
                self._ended = True
                raise _Abandoned
            self._ended = not piece
            self._rest = memoryview(piece)
        piece, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return piece

    def empty(self) -> None:
        while not self._ended:
            self._ended = not self._queue.get()

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
