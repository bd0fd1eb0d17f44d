"""Writes a layer: an ordered list of entries and a codec, the same bytes for the same list and codec."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from slimml.errors import Unsupported
from slimml.oci.media_types import layer_type
from slimml.oci.tar.events import Kind
from slimml.oci.tar.writer import TRAILER, entry_header, padding_after
from slimml.slim.layer_sink import LayerSink, WrittenLayer
from slimml.slim.layout.compose import LayerEntry

if TYPE_CHECKING:
    from slimml.oci.blobs import BlobStore
    from slimml.oci.codec import Encoding
    from slimml.slim.layout.spool import Spool


def write_layer(
    entries: Iterable[LayerEntry],
    spool: Spool,
    encoding: Encoding,
    store: BlobStore,
    advance: Callable[[int], None] = lambda amount: None,
) -> WrittenLayer:
    """Write the entries in their order, their contents out of `spool`; `advance` is told of content's bytes.

    Raises Unsupported for a file whose content was not kept, and what reading and writing raise.
    """
    with LayerSink(store, encoding, layer_type(encoding.compression, docker=False)) as sink:
        for entry, place in entries:
            sink.write(entry_header(entry))
            if entry.kind is not Kind.FILE or not entry.size:
                continue
            if place < 0:
                raise Unsupported(f"/{entry.path[:200]}: engines disagree about what of it a container sees")
            for piece in spool.pieces(place, entry.size):
                sink.write(piece)
                advance(len(piece))
            sink.write(padding_after(entry.size))
        sink.write(TRAILER)
        return sink.finish()
