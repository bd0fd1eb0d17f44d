"""One pass over layers: fetched and verified in one thread, decompressed, hashed and told to visitors in another."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

from slimml.errors import InvalidImage
from slimml.oci.codec import BUFFER_BYTES, READ_BYTES, Decoded
from slimml.oci.digest import Digest, algorithm_of, short
from slimml.oci.image import Image, Layer, ScanFacts, Stream
from slimml.oci.limits import DEFAULT_LIMITS, MIB, Limits
from slimml.oci.media_types import Compression
from slimml.oci.tar.events import TarVisitor
from slimml.oci.tar.reader import TarReader
from slimml.oci.verify import verified
from slimml.progress import SILENT, Progress

_FETCHED_BYTES = MIB
_QUEUED_PIECES = 4
_FETCHED_PLAIN_BYTES = 8 * MIB
_QUEUED_PLAIN_PIECES = 2
"""Large pieces, so that the two threads seldom wait for each other; a plain tar gives the hashing one most to do."""
_CHECKPOINT_BYTES = 256 * 1024

Advance = Callable[[int], None]


def _ignore(amount: int) -> None:
    del amount


class LayerStream:
    """A layer's tar as pieces of bytes; the blob is read and verified in a thread of its own, decoded in the caller's.

    Use it as a context manager and iterate over it once, to its end: then digest and size of the blob are known to be
    right and `checkpoints` and `blob_bytes` are complete. Raises InvalidImage, LimitExceeded and what opening raises.

    Decoding stays with the caller because a piece that was decoded on one core and is hashed on another costs a third
    more processor time than it saves on the clock. Where the cores have other layers to read, `threaded` False leaves
    all of it to the caller, which costs least.
    """

    def __init__(
        self, layer: Layer, limits: Limits = DEFAULT_LIMITS, advance: Advance = _ignore, *, threaded: bool = True
    ) -> None:
        self._layer, self._limits, self._advance = layer, limits, advance
        self._plain = plain = layer.compression is Compression.NONE
        self._blob: Stream | None = None
        self._threaded = threaded
        self._rest = memoryview(b"")
        self._piece_bytes = _FETCHED_PLAIN_BYTES if plain else _FETCHED_BYTES
        self._pieces: queue.Queue[bytes | BaseException] = queue.Queue(
            _QUEUED_PLAIN_PIECES if plain else _QUEUED_PIECES
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._fetch, name="slimml-fetch", daemon=True)
        self.blob_bytes = 0
        self.checkpoints: list[tuple[int, int]] = []

    def __enter__(self) -> LayerStream:
        if self._threaded:
            self._thread.start()
        else:
            self._blob = verified(self._layer.open(), self._layer.descriptor)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._blob is not None:
            self._blob.close()
            return
        self._stop.set()
        while self._thread.is_alive():
            try:
                self._pieces.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def read(self, size: int = READ_BYTES, /) -> bytes:
        """At most `size` more bytes of the blob, for the decoder; a plain tar comes in the pieces it was fetched in."""
        if self._blob is not None:
            found = self._blob.read(BUFFER_BYTES if self._plain else size)
            self._advance(len(found))
            return found
        if not self._rest:
            piece = self._pieces.get()
            if isinstance(piece, BaseException):
                raise piece
            if not piece:
                self._pieces.put(b"")  # who asks again is told again
            self._advance(len(piece))
            if self._plain:
                return piece
            self._rest = memoryview(piece)
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)

    def __iter__(self) -> Iterator[bytes]:
        decoded = Decoded(self, self._layer.compression, f"layer {short(self._layer.descriptor.digest)}", self._limits)
        self.checkpoints.append((0, 0))
        noted = 0
        for piece in decoded:
            yield piece
            if decoded.produced - noted >= _CHECKPOINT_BYTES:
                noted = decoded.produced
                self.checkpoints.append((noted, decoded.consumed))
        while decoded.read():  # a decoder may end before the blob does; the digest is of all of it
            pass
        self.blob_bytes = decoded.consumed
        self.checkpoints.append((decoded.produced, decoded.consumed))

    def _fetch(self) -> None:
        try:
            with closing(verified(self._layer.open(), self._layer.descriptor)) as blob:
                while not self._stop.is_set():
                    piece = blob.read(self._piece_bytes)
                    self._pieces.put(piece)
                    if not piece:
                        break
        except BaseException as error:
            self._pieces.put(error)


def scan_layer(
    layer: Layer,
    visitor: TarVisitor,
    *,
    limits: Limits = DEFAULT_LIMITS,
    hash_tar: bool = False,
    advance: Advance = _ignore,
    threaded: bool = True,
) -> ScanFacts:
    """Read one layer: blob digest and size are always verified, with `hash_tar` the diff ID too.

    `advance` is told of blob bytes; `threaded` as for LayerStream. Raises InvalidImage, LimitExceeded, and what opening
    raises.
    """
    reader = TarReader(visitor, f"layer {short(layer.descriptor.digest)}", limits)
    plain = layer.compression is Compression.NONE
    tar_hash = hashlib.new(algorithm_of(layer.diff_id)) if hash_tar and not plain else None
    total = 0
    with LayerStream(layer, limits, advance, threaded=threaded) as pieces:
        for piece in pieces:
            if tar_hash is not None:
                tar_hash.update(piece)
            reader.feed(piece)
            total += len(piece)
        reader.finish()
    diff_id = (
        Digest(f"{tar_hash.name}:{tar_hash.hexdigest()}") if tar_hash else layer.descriptor.digest if plain else None
    )
    if diff_id is not None and diff_id != layer.diff_id:
        raise InvalidImage(
            f"layer {short(layer.descriptor.digest)}: its tar has digest {diff_id}, the config says {layer.diff_id}"
        )
    return ScanFacts(total, pieces.blob_bytes, diff_id, () if plain else tuple(pieces.checkpoints))


def scan_image(
    image: Image,
    visitor_of: Callable[[Layer], TarVisitor],
    *,
    hash_tar: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
    threaded: bool = True,
) -> dict[Digest, ScanFacts]:
    """Read all layers of an image, each once, in the place's quickest way; the facts by diff ID.

    A layer that occurs twice is read once. Raises as scan_layer does.
    """
    distinct = {layer.diff_id: layer for layer in image.layers}
    sizes = [layer.descriptor.size for layer in distinct.values()]
    total = sum(sizes) if min(sizes, default=0) >= 0 else None
    with progress.task("reading layers", total) as task:
        if image.listing is not None and not hash_tar:
            return image.listing.scan(distinct.values(), visitor_of, task.advance)
        return {
            diff_id: scan_layer(
                layer, visitor_of(layer), limits=limits, hash_tar=hash_tar, advance=task.advance, threaded=threaded
            )
            for diff_id, layer in distinct.items()
        }
