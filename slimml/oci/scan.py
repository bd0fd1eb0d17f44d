"""One pass over layers: verified, decompressed, hashed, told to visitors; one thread decodes, another reads the tar."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import closing

from slimml.errors import InvalidImage
from slimml.oci.codec import Decoded
from slimml.oci.digest import Digest, short
from slimml.oci.image import Image, Layer, ScanFacts
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import Compression
from slimml.oci.tar.events import TarVisitor
from slimml.oci.tar.reader import TarReader
from slimml.oci.verify import verified
from slimml.progress import SILENT, Progress

_QUEUED_PIECES = 6
_CHECKPOINT_BYTES = 256 * 1024

Advance = Callable[[int], None]


def _ignore(amount: int) -> None:
    del amount


class LayerStream:
    """A layer's tar as pieces of bytes, decoded in a thread of its own; the blob is verified on the way.

    Use it as a context manager and iterate over it once, to its end: then digest and size of the blob are known to be
    right and `checkpoints` and `blob_bytes` are complete. Raises InvalidImage, LimitExceeded and what opening raises.
    """

    def __init__(self, layer: Layer, limits: Limits = DEFAULT_LIMITS, advance: Advance = _ignore) -> None:
        self._layer, self._limits, self._advance = layer, limits, advance
        self._pieces: queue.Queue[bytes | BaseException | None] = queue.Queue(_QUEUED_PIECES)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._decode, name="slimml-decode", daemon=True)
        self.blob_bytes = 0
        self.checkpoints: list[tuple[int, int]] = []

    def __enter__(self) -> LayerStream:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        while self._thread.is_alive():
            try:
                self._pieces.get(timeout=0.05)
            except queue.Empty:
                continue
        self._thread.join()

    def __iter__(self) -> Iterator[bytes]:
        while (piece := self._pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    def _decode(self) -> None:
        try:
            with closing(verified(self._layer.open(), self._layer.descriptor)) as blob:
                what = f"layer {short(self._layer.descriptor.digest)}"
                decoded = Decoded(blob, self._layer.compression, what, self._limits)
                if not self._forward(decoded):
                    return
                while decoded.read():  # a decoder may end before the blob does; the digest is of all of it
                    pass
                self.blob_bytes = decoded.consumed
                self.checkpoints.append((decoded.produced, decoded.consumed))
            self._pieces.put(None)
        except BaseException as error:
            self._pieces.put(error)

    def _forward(self, decoded: Decoded) -> bool:
        told = noted = 0
        self.checkpoints.append((0, 0))
        for piece in decoded:
            if self._stop.is_set():
                return False
            self._pieces.put(piece)
            self._advance(decoded.consumed - told)
            told = decoded.consumed
            if decoded.produced - noted >= _CHECKPOINT_BYTES:
                noted = decoded.produced
                self.checkpoints.append((decoded.produced, decoded.consumed))
        return True


def scan_layer(
    layer: Layer,
    visitor: TarVisitor,
    *,
    limits: Limits = DEFAULT_LIMITS,
    hash_tar: bool = False,
    advance: Advance = _ignore,
) -> ScanFacts:
    """Read one layer: blob digest and size are always verified, with `hash_tar` the diff ID too.

    `advance` is told of blob bytes, from another thread. Raises InvalidImage, LimitExceeded, and what opening raises.
    """
    reader = TarReader(visitor, f"layer {short(layer.descriptor.digest)}", limits)
    plain = layer.compression is Compression.NONE
    tar_hash = hashlib.sha256() if hash_tar and not plain else None
    total = 0
    with LayerStream(layer, limits, advance) as pieces:
        for piece in pieces:
            if tar_hash is not None:
                tar_hash.update(piece)
            reader.feed(piece)
            total += len(piece)
        reader.finish()
    diff_id = Digest("sha256:" + tar_hash.hexdigest()) if tar_hash else layer.descriptor.digest if plain else None
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
            diff_id: scan_layer(layer, visitor_of(layer), limits=limits, hash_tar=hash_tar, advance=task.advance)
            for diff_id, layer in distinct.items()
        }
