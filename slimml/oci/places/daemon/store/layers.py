"""Layers as an engine's graph driver stores them: a directory of files and a tar-split for each.

Listing a layer reads its tar-split alone. Its blob, the tar, is put together again from tar-split and files; as for
every blob, who reads it verifies the digest, and with it that nobody changed the files.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from slimml.errors import InvalidImage, NotFound
from slimml.oci.beneath import directory, open_file, subdirectory
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest, hex_of, short
from slimml.oci.image import Layer, ScanFacts, Stream
from slimml.oci.limits import Limits
from slimml.oci.places.daemon.pieces import PieceStream
from slimml.oci.places.daemon.store.openat2 import open_beneath
from slimml.oci.places.daemon.store.tar_split import SEGMENT, Record, records, replay
from slimml.oci.tar.events import TarVisitor
from slimml.oci.window import Window

_CHUNK = 1 << 20


@dataclass(frozen=True)
class StoredLayer:
    """Where a layer lies: `tar_split` is beneath the store's root, `files` a directory there. Both are relative."""

    diff_id: Digest
    tar_split: str
    files: str


class LayerStore:
    """The layers of an image in an engine's store; both its blobs and its listing (`image.Blobs`, `image.Listing`)."""

    separate = True

    def __init__(self, root: str, layers: Iterable[StoredLayer], limits: Limits) -> None:
        self._root = root
        self._layers: Mapping[Digest, StoredLayer] = {layer.diff_id: layer for layer in layers}
        self._limits = limits

    def check(self) -> None:
        """Look whether all of it is there and may be read; raises NotFound, AccessDenied, InvalidImage."""
        for stored in self._layers.values():
            self._tar_split(stored).close()
            _Files(self._root, stored)

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Stream:
        """The layer's tar from byte `offset` on, its files read as it goes; not verified."""
        stored = self._stored(descriptor.digest)
        source = self._tar_split(stored)
        batches = records(source, _name(stored), self._limits)
        pieces = _joined(batches, _Files(self._root, stored), offset)
        return PieceStream(pieces, source.close)

    def weight(self, layer: Layer) -> int:
        """Bytes of the layer's tar-split, which is what listing it reads."""
        with self._tar_split(self._stored(layer.diff_id)) as found:
            return os.fstat(found.fileno()).st_size

    def scan(
        self, layers: Iterable[Layer], visitor_of: Callable[[Layer], TarVisitor], advance: Callable[[int], None]
    ) -> dict[Digest, ScanFacts]:
        """List the layers by their tar-splits. See `image.Listing`."""
        facts: dict[Digest, ScanFacts] = {}
        for layer in layers:
            stored = self._stored(layer.diff_id)
            files = _Files(self._root, stored)
            with self._tar_split(stored) as source:
                total = replay(source, visitor_of(layer), files.open, _name(stored), self._limits, advance)
            facts[layer.diff_id] = ScanFacts(total, None, None)
        return facts

    def _stored(self, diff_id: Digest) -> StoredLayer:
        found = self._layers.get(diff_id)
        if found is None:
            raise NotFound(f"layer {short(diff_id)} is none of the image's layers in {self._root}")
        return found

    def _tar_split(self, stored: StoredLayer) -> Window:
        with directory(self._root) as root:
            found = open_file(root, stored.tar_split, f"{self._root}/{stored.tar_split}")
        return Window(found, 0, os.fstat(found).st_size)


class _Files:
    """The directory of a layer's files, held open for as long as somebody may want to read one of them."""

    def __init__(self, root: str, stored: StoredLayer) -> None:
        self._what = f"{root}/{stored.files}"
        with directory(root) as beneath:
            self._descriptor = _open_directory(beneath, stored.files, self._what)

    def open(self, record: Record) -> IO[bytes]:
        """The file's content, unbuffered; raises NotFound, AccessDenied, InvalidImage."""
        path = record.path
        return os.fdopen(open_beneath(self._descriptor, path, f"{self._what}/{path}"), "rb", buffering=0)

    def __del__(self) -> None:
        descriptor, self._descriptor = getattr(self, "_descriptor", -1), -1
        if descriptor >= 0:
            os.close(descriptor)


def _open_directory(root: int, relative: str, what: str) -> int:
    head, _, tail = relative.partition("/")
    with subdirectory(root, head, what) as found:
        return _open_directory(found, tail, what) if tail else os.dup(found)


def _joined(batches: Iterator[list[Record]], files: _Files, offset: int) -> Iterator[bytes]:
    """The tar's bytes from `offset` on; a file before it is not opened."""
    left = offset
    for batch in batches:
        for record in batch:
            size = len(record.payload or b"") if record.type == SEGMENT else record.size
            if left >= size:
                left -= size
            elif record.type == SEGMENT:
                assert record.payload is not None
                yield record.payload[left:]
                left = 0
            else:
                yield from _content(record, files, left)
                left = 0


def _content(record: Record, files: _Files, offset: int) -> Iterator[bytes]:
    with files.open(record) as file:
        descriptor = file.fileno()
        while offset < record.size:
            piece = os.pread(descriptor, min(_CHUNK, record.size - offset), offset)
            if not piece:
                raise InvalidImage(
                    f"{record.path[:200]!r} ends after {offset} of {record.size} bytes in the engine's store"
                )
            offset += len(piece)
            yield piece


def _name(stored: StoredLayer) -> str:
    return f"layer {hex_of(stored.diff_id)[:12]}"
