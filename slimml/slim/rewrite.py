"""Rewrites a layer by a plan: read once, verified, cut at what changes, written once.

Entries that do not change keep every byte. What goes is hashed for the ledger on the way, and kept if that was asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from slimml.errors import InvalidImage
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.scan import LayerStream
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.reader import TarReader
from slimml.oci.tar.writer import entry_header
from slimml.slim.changes import Changes, Pass
from slimml.slim.layer_cut import spans
from slimml.slim.layer_sink import TarSink, Worker

if TYPE_CHECKING:
    from slimml.slim.removed import RemovedContent
    from slimml.slim.top_layer import TopLayer


def rewrite_layer(
    work: Pass,
    layer: int,
    sink: TarSink,
    removed: RemovedContent | None = None,
    *,
    top: TopLayer | None = None,
    limits: Limits = DEFAULT_LIMITS,
    advance: Callable[[int], None] = lambda amount: None,
) -> None:
    """Write what the plan leaves of a layer to `sink`, all but the end of the tar, and what it lifts to `top`.

    The source's blob and diff ID are verified. `advance` is told of blob bytes read. Raises ContentsDiffer,
    InvalidImage, and what reading and writing raise.
    """
    source = work.inventory.image.layers[layer]
    changes = Changes(work, layer, sink, removed, top)
    reader = TarReader(changes, f"layer {layer}", limits)
    tar_hash = hashlib.sha256()
    hashing = Worker(tar_hash.update, "slimml-source-hash")
    try:
        with LayerStream(source, limits, advance) as pieces:
            cutter = Cutter(iter(pieces), hashing.put)
            for span in spans(work.inventory, work.plan, layer, work.watched):
                if span.row < 0:
                    cutter.pass_on(span.stop - span.start, sink.write)
                else:
                    cutter.pass_on(span.stop - span.start, changes.begin_span(span.row, reader.feed))
                    changes.end_span()
            cutter.drain()
        hashing.finish()
    finally:
        hashing.stop()
    if f"sha256:{tar_hash.hexdigest()}" != source.diff_id:
        raise InvalidImage(f"layer {layer} holds a tar of another digest than its diff ID, {source.diff_id}")
    for path in work.plan.parents.get(layer, ()):
        time = work.plan.options.source_date_epoch or 0
        sink.write(entry_header(Entry(path, Kind.DIRECTORY, 0, 0o755, 0, 0, time, "", 0, 0, 0)))


class Cutter:
    """Hands out a stream of pieces by length, and hashes all of it."""

    def __init__(self, pieces: Iterator[bytes], hash_piece: Callable[[bytes], object]) -> None:
        self._pieces = pieces
        self._hash_piece = hash_piece
        self._rest = memoryview(b"")

    def pass_on(self, count: int, receive: Callable[[memoryview], object]) -> None:
        """Give the next `count` bytes to `receive`, in views of immutable bytes; raises InvalidImage at the end."""
        while count:
            if not self._rest and not self._more():
                raise InvalidImage("a layer's tar ends before the entries that its inventory lists")
            piece = self._rest[:count]
            self._rest = self._rest[count:]
            count -= len(piece)
            receive(piece)

    def drain(self) -> None:
        """Pass over the rest of the stream."""
        while self._more():
            pass

    def _more(self) -> bool:
        for piece in self._pieces:
            if piece:
                self._hash_piece(piece)
                self._rest = memoryview(piece)
                return True
        return False
