"""Removed entries, ready to be put into a container again: read from the original's layers once, given as a tar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.oci.descriptor import Descriptor
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.scan import LayerStream
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.header import padding
from slimml.oci.tar.writer import TRAILER, entry_header
from slimml.progress import SILENT, Progress
from slimml.slim.layers import stored_bytes
from slimml.slim.names import ancestors, hard_links
from slimml.slim.rewrite import Cutter

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore

_KIND = "application/x-tar"
_CHUNK = 1 << 20
_SHARED = ("mode", "uid", "gid", "mtime")


@dataclass(frozen=True)
class PutBack:
    """A blob of tar entries as they stood in their layers; `place` is where it has a row's, as (start, length).

    `holder` is the row with the content of each hard link.
    """

    inventory: Inventory
    store: BlobStore
    blob: Descriptor
    place: dict[int, tuple[int, int]]
    holder: dict[int, int]

    def archive(self, rows: Iterable[int]) -> Iterator[bytes]:
        """A tar of these rows and of the removed directories above them, in pieces; a hard link comes as a file."""
        for row in self._ordered(rows):
            holder = self.holder.get(row, row)
            start, length = self.place[holder]
            if holder != row:
                size = int(self.inventory.column("size")[holder])
                yield self._header(row, size)
                content = size + padding(size)
                start, length = start + length - content, content
            yield from self._read(start, length)
        yield TRAILER

    def _ordered(self, rows: Iterable[int]) -> list[int]:
        live, paths = self.inventory.live, self.inventory.paths
        chosen = set(rows)
        above = {live[place] for row in chosen for place in ancestors(paths[row]) if place in live}
        # In the order of the layers: what an entry lies in came before it.
        return sorted(row for row in chosen | above if self.holder.get(row, row) in self.place)

    def _header(self, row: int, size: int) -> bytes:
        mode, uid, gid, mtime = (int(self.inventory.table[name][row].as_py()) for name in _SHARED)
        return entry_header(Entry(self.inventory.paths[row], Kind.FILE, size, mode, uid, gid, mtime, "", 0, 0, size))

    def _read(self, start: int, length: int) -> Iterator[bytes]:
        with self.store.open_blob(self.blob, start) as stream:
            while length:
                piece = stream.read(min(length, _CHUNK))
                if not piece:
                    return
                length -= len(piece)
                yield piece


def read_removed(
    inventory: Inventory,
    rows: Iterable[int],
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> PutBack:
    """Copy the entries of `rows`, all that may be put back, from the image's layers into `store`.

    Takes as much room there as the entries have bytes. Raises what reading layers and writing raise.
    """
    links = hard_links(inventory)
    holder = dict(zip(links.rows.tolist(), links.holder.tolist(), strict=True))
    chosen = np.array(sorted({holder.get(row, row) for row in rows}), dtype=np.int64)
    place: dict[int, tuple[int, int]] = {}
    touched = np.unique(inventory.layer[chosen]).tolist()
    total = sum(stored_bytes(inventory, layer) for layer in touched)
    with store.writer() as sink, progress.task("reading what was removed", total) as task:
        offset, length = inventory.column("offset"), inventory.column("tar_bytes")
        for layer in touched:
            position = 0
            with LayerStream(inventory.image.layers[layer], limits, task.advance) as pieces:
                cutter = Cutter(iter(pieces), _unheard)
                for row in chosen[inventory.layer[chosen] == layer].tolist():
                    start, size = int(offset[row]), int(length[row])
                    cutter.pass_on(start - position, _unheard)
                    place[row] = (sink.size, size)
                    cutter.pass_on(size, sink.write)
                    position = start + size
                cutter.drain()
        blob = sink.commit(_KIND)
    return PutBack(inventory, store, blob, place, holder)


def _unheard(piece: bytes | memoryview) -> None:
    del piece
