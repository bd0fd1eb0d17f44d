"""The blob of removed content: a tar (zstd) that holds, layer by layer, what went: `layer-N/PATH`."""

from __future__ import annotations

from typing import Self

from slimml.oci.artifact import REMOVED
from slimml.oci.blobs import BlobStore
from slimml.oci.codec import Encoding
from slimml.oci.descriptor import Descriptor
from slimml.oci.media_types import Compression
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.writer import TRAILER, OwnerNames, entry_header, padding_after
from slimml.slim.layer_sink import LayerSink

_LEVEL = 6


class RemovedContent:
    """Takes entries in the order of their layers. Use it as a context manager; without `finish` nothing is stored."""

    def __init__(self, store: BlobStore, threads: int = 0) -> None:
        self._sink = LayerSink(store, Encoding(Compression.ZSTD, _LEVEL, threads), REMOVED)

    def entry(self, layer: int, entry: Entry, owner: OwnerNames, link_layer: int | None = None) -> None:
        """An entry of `layer`; a file's content follows through `data` and `end`.

        The target of a hard link lies in `link_layer`, by default in the same.
        """
        link = entry.link
        if entry.kind is Kind.HARDLINK:
            link = f"layer-{layer if link_layer is None else link_layer}/{link}"
        path = f"layer-{layer}/{entry.path}" if entry.path else f"layer-{layer}"
        self._sink.write(entry_header(entry._replace(path=path, link=link), owner))

    def data(self, piece: bytes | memoryview) -> None:
        """More of the file's content."""
        self._sink.write(piece)

    def end(self, size: int) -> None:
        """The file of `size` bytes is complete."""
        self._sink.write(padding_after(size))

    def finish(self) -> Descriptor:
        """Store the blob."""
        self._sink.write(TRAILER)
        return self._sink.finish().descriptor

    def __enter__(self) -> Self:
        self._sink.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._sink.__exit__(*exc)
