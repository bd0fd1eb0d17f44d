"""A new layer as it is written: hashed, compressed and stored, each in a thread of its own, behind one `write`."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from slimml.oci.blobs import BlobStore
from slimml.oci.codec import Encoding, compressor
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest
from slimml.oci.limits import MIB

_CHUNK = MIB
_QUEUED = 8


class Worker:
    """Calls `consume` with what is put, in order, in a thread; its error is raised at the next `put` or `finish`."""

    def __init__(self, consume: Callable[[bytes], object], name: str) -> None:
        self._consume = consume
        self._queue: queue.Queue[bytes | None] = queue.Queue(_QUEUED)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, piece: bytes) -> None:
        """Hand on a piece; waits while too many are under way."""
        if self._error is not None:
            raise self._error
        self._queue.put(piece)

    def finish(self) -> None:
        """Wait until everything is consumed."""
        self.stop()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the thread; errors are kept to themselves. May be called again."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (piece := self._queue.get()) is not None:
            if self._error is None:
                try:
                    self._consume(piece)
                except BaseException as error:
                    self._error = error


class TarSink(Protocol):
    """Where a tar is written to."""

    def write(self, data: bytes | memoryview) -> None:
        """The next bytes of the tar; a view must be of bytes that never change."""


class Nowhere:
    """Takes a tar that is only looked at."""

    def write(self, data: bytes | memoryview) -> None:
        """Forget the bytes."""


@dataclass(frozen=True)
class WrittenLayer:
    """What was stored. `descriptor` names the blob; `tar_bytes` is its length uncompressed."""

    descriptor: Descriptor
    diff_id: Digest
    tar_bytes: int


class LayerSink:
    """Takes a tar in pieces. Use it as a context manager: without `finish` nothing is stored."""

    def __init__(self, store: BlobStore, encoding: Encoding, media_type: str) -> None:
        self._media_type = media_type
        self._blob = store.writer()
        self._compressor = compressor(encoding)
        self._hash = hashlib.sha256()
        self._workers = (Worker(self._hash.update, "slimml-diff-id"), Worker(self._compress, "slimml-compress"))
        self._pieces: list[bytes | memoryview] = []
        self._gathered = 0
        self.tar_bytes = 0
        """bytes written so far"""

    def write(self, data: bytes | memoryview) -> None:
        """The next bytes of the tar; a view must be of bytes that never change."""
        self._pieces.append(data)
        self._gathered += len(data)
        self.tar_bytes += len(data)
        if self._gathered >= _CHUNK:
            self._hand_on()

    def finish(self) -> WrittenLayer:
        """Store the blob; raises what writing raised."""
        self._hand_on()
        for worker in self._workers:
            worker.finish()
        self._blob.write(self._compressor.finish())
        return WrittenLayer(
            self._blob.commit(self._media_type), Digest("sha256:" + self._hash.hexdigest()), self.tar_bytes
        )

    def _hand_on(self) -> None:
        if self._pieces:
            chunk = self._pieces[0] if len(self._pieces) == 1 else b""
            piece = chunk if isinstance(chunk, bytes) and chunk else b"".join(self._pieces)
            self._pieces, self._gathered = [], 0
            for worker in self._workers:
                worker.put(piece)

    def _compress(self, piece: bytes) -> None:
        self._blob.write(self._compressor.compress(piece))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for worker in self._workers:
            worker.stop()
        self._blob.__exit__(*exc)
