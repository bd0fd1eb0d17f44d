"""The transform: an image's files in other layers, the same root, and of a previous image as much as can stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from slimml.errors import Unsupported
from slimml.oci.codec import Encoding
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import Compression, is_foreign, layer_type
from slimml.oci.tar.events import Kind
from slimml.progress import SILENT, Progress
from slimml.slim.assemble import NewLayer, stored_size
from slimml.slim.layer_sink import LayerSink
from slimml.slim.layers import USUAL_LEVELS, Laid
from slimml.slim.layout.classes import Classes
from slimml.slim.layout.compose import Composed, compose
from slimml.slim.layout.cut import MOST_LAYERS, WORTH_A_LAYER, Piece, Share, cut
from slimml.slim.layout.difference import Difference, difference
from slimml.slim.layout.keep import choose
from slimml.slim.layout.reading import Previous, Read, read_image, read_previous
from slimml.slim.layout.root import Root, apply_layer, copied
from slimml.slim.layout.spool import Spool
from slimml.slim.layout.weights import measured_weights
from slimml.slim.layout.write import write_layer
from slimml.slim.names import MARKERS

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.oci.image import Image, Layer

_UPDATE = "update"
_NOT_WORTH_IT = "the previous image is not used: what it has in common with this one is not worth its layers"
_NO_FILE = (Kind.DIRECTORY, *MARKERS)
_STRONGEST = {Compression.GZIP: 10, Compression.ZSTD: 19}
_TOLERATED = 1.01


@dataclass(frozen=True)
class Target:
    """How layers are stored. `encoding` None: as the image's are; `accepts` is what the client can unpack."""

    encoding: Encoding | None = None
    accepts: frozenset[Compression] = frozenset(Compression)
    threads: int = 0


@dataclass(frozen=True)
class Relaid:
    """The layers of the result: the lowest `base` as they were, then `kept` ones of the previous image, then new ones.

    `places` is for each path the layer that holds its content; `disk_bytes` are the contents of all layers, `files`
    their entries that are no directories. `fetch_bytes` is what a node that has the previous image fetches.
    """

    layers: tuple[Laid, ...]
    places: Mapping[str, int]
    disk_bytes: int
    files: int
    base: int
    kept: int
    fetch_bytes: int
    notes: tuple[str, ...]


def relayer(
    inventory: Inventory,
    base: int,
    previous: Image | None,
    target: Target,
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Relaid:
    """Lay out everything above the `base` lowest layers anew, and keep of `previous` what is worth it.

    A previous image that cannot be read, or has nothing in common with this one, is a note. Raises Unsupported for what
    cannot be moved, InvalidImage, and what reading and writing raise; only `store` is written to.
    """
    for layer in inventory.image.layers[base:]:
        if is_foreign(layer.descriptor.media_type):
            raise Unsupported(f"{inventory.image.reference} has a layer that may not be distributed in another form")
    with Spool(store) as spool:
        read = read_image(inventory, base, spool, whole=previous is not None, limits=limits, progress=progress)
        layers = inventory.image.layers[:base]
        before: Previous | str | None = None
        if previous is not None:
            before = read_previous(previous, read, layers, limits=limits, progress=progress)
        plan = _plan(inventory, read, before, spool)
        writing = _Writing(inventory, target, store, spool, limits, progress)
        return _lay(writing, read, base, plan)


@dataclass(frozen=True)
class _Kept:
    """Layers of the previous image that stay, each with the bytes of its tar; `below` is the root of the base and them.

    `places` and `disk_bytes` are those of the files in them. `note` says why there are none, if there could be some.
    """

    below: Root
    layers: tuple[tuple[Layer, int], ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    disk_bytes: int = 0
    files: int = 0
    note: str = ""


@dataclass(frozen=True)
class _Plan:
    """`composed` are the new layers, on top of those that are `kept`, for what was `found` to be missing."""

    kept: _Kept
    found: Difference
    composed: tuple[Composed, ...]


def _plan(inventory: Inventory, read: Read, before: Previous | str | None, spool: Spool) -> _Plan:
    total = sum(layer.blob_bytes for layer in inventory.layers)
    try:
        kept = _keep(read, before, total)
    except Unsupported as error:  # what was laid out for another base may not fit on this one
        kept = _Kept(read.base, note=f"the previous image is not used: {error}")
    found = difference(kept.below, read.wanted)
    pieces = list(_pieces(inventory, read.wanted, found, spool))
    shares = _shares(pieces, total, fresh=not kept.layers)
    return _Plan(kept, found, tuple(compose(kept.below, read.wanted, found, shares)))


def _keep(read: Read, before: Previous | str | None, total: int) -> _Kept:
    if not isinstance(before, Previous):
        return _Kept(read.base, note=before or "")
    below = copied(read.base)
    places: dict[str, int] = {}
    disk = files = 0
    chosen = choose(before.found, total)
    for position, index in enumerate(chosen):
        listing = before.listings[index]
        apply_layer(below, listing)
        places |= {one.entry.path: position for one in listing if one.entry.kind not in MARKERS}
        disk += sum(one.node.size for one in listing if one.node is not None)
        files += sum(one.entry.kind not in _NO_FILE for one in listing)
    layers = tuple((before.layers[index], before.listings[index].tar_bytes) for index in chosen)
    return _Kept(below, layers, places, disk, files, "" if chosen else _NOT_WORTH_IT)


def _shares(pieces: Sequence[Piece], total: int, *, fresh: bool) -> tuple[Share, ...]:
    """Layers for what is not in layers that are kept: a little is one, more of it as many as balance the image."""
    if fresh:
        return cut(pieces)
    size = sum(piece.size for piece in pieces)
    usual = max(WORTH_A_LAYER, total // MOST_LAYERS)
    if size <= usual:
        return (Share(_UPDATE, tuple(pieces)),) if pieces else ()
    return cut(pieces, min(MOST_LAYERS, 1 + -(-size // usual)))


def _pieces(inventory: Inventory, wanted: Root, found: Difference, spool: Spool) -> Iterable[Piece]:
    classes = Classes(inventory)
    compressed = inventory.column("compressed")
    known = measured_weights(spool, wanted) if any(layer.estimated for layer in inventory.layers) else {}
    for paths in found.groups:
        kind, owner = classes.of(paths[0])
        row = wanted[paths[0]].row
        own = known.get(row, int(compressed[row])) if row >= 0 else 0
        yield Piece(kind, owner, paths, own)


@dataclass(frozen=True)
class _Writing:
    inventory: Inventory
    target: Target
    store: BlobStore
    spool: Spool
    limits: Limits
    progress: Progress

    @property
    def encoding(self) -> Encoding:
        """How new layers are stored."""
        if self.target.encoding is not None:
            return self.target.encoding
        kinds = {layer.compression for layer in self.inventory.image.layers} & self.target.accepts
        usual = next((kind for kind in (Compression.ZSTD, Compression.GZIP) if kind in kinds), Compression.NONE)
        return Encoding(usual, USUAL_LEVELS[usual], self.target.threads)

    def as_it_is(self, layer: Layer, source: int | None, told: str, size: int) -> Laid:
        """A layer whose content does not change; stored anew where the client could not unpack it, or as it is asked
        for what an engine holds uncompressed.
        """
        plain = layer.compression is Compression.NONE
        anew = layer.compression not in self.target.accepts or (plain and self.target.encoding is not None)
        if not anew:
            return Laid(NewLayer(stored_size(layer, size), layer.diff_id, layer.blobs, source, told), size)
        from slimml.oci.scan import LayerStream

        with LayerSink(self.store, self.encoding, layer_type(self.encoding.compression, docker=False)) as sink:
            with LayerStream(layer, self.limits) as pieces:
                for piece in pieces:
                    sink.write(piece)
            written = sink.finish()
        return Laid(NewLayer(written.descriptor, layer.diff_id, self.store, source, told), written.tar_bytes)

    def write(self, composed: Sequence[Composed], most: int | None) -> list[Laid]:
        """The new layers; with more effort where they come to more than `most` bytes."""
        encoding = self.encoding
        found = self._write(composed, encoding)
        strongest = _STRONGEST.get(encoding.compression, 0)
        if most is not None and strongest > encoding.level and _stored(found) > most:
            again = self._write(composed, replace(encoding, level=strongest))
            found = min(found, again, key=_stored)
        return found

    def _write(self, composed: Sequence[Composed], encoding: Encoding) -> list[Laid]:
        found = []
        total = sum(entry.size for one in composed for entry, _ in one.entries if entry.kind is Kind.FILE)
        with self.progress.task("writing layers", total) as task:
            for one in composed:
                written = write_layer(one.entries, self.spool, encoding, self.store, task.advance)
                new = NewLayer(written.descriptor, written.diff_id, self.store, None, one.title)
                found.append(Laid(new, written.tar_bytes))
        return found


def _lay(writing: _Writing, read: Read, base: int, plan: _Plan) -> Relaid:
    inventory = writing.inventory
    layers = []
    for index in range(base):
        size = inventory.layers[index].tar_bytes
        layers.append(writing.as_it_is(inventory.image.layers[index], index, "", size))
    for layer, size in plan.kept.layers:
        layers.append(writing.as_it_is(layer, None, layer.history.created_by if layer.history else "", size))
    new = writing.write(plan.composed, _share_of_source(inventory, read, plan.found))
    starts = inventory.starts
    disk = int(inventory.column("size")[: int(starts[base])].sum()) + plan.kept.disk_bytes
    disk += sum(entry.size for one in plan.composed for entry, _ in one.entries if entry.kind is Kind.FILE)
    files = int((~np.isin(inventory.column("kind")[: int(starts[base])], _NO_FILE)).sum()) + plan.kept.files
    files += sum(entry.kind not in _NO_FILE for one in plan.composed for entry, _ in one.entries)
    return Relaid(
        layers=(*layers, *new),
        places=_places(inventory, base, plan, len(layers)),
        disk_bytes=disk,
        files=files,
        base=base,
        kept=len(plan.kept.layers),
        fetch_bytes=_stored(new),
        notes=tuple(filter(None, (plan.kept.note, _told_of_kept(len(plan.kept.layers), new)))),
    )


def _told_of_kept(kept: int, new: Sequence[Laid]) -> str:
    if not kept:
        return ""
    return (
        f"{kept} layers stay as the previous image has them; who has it fetches {_stored(new)} bytes "
        f"in {len(new)} new layers"
    )


def _stored(layers: Sequence[Laid]) -> int:
    return sum(layer.new.descriptor.size for layer in layers)


def _share_of_source(inventory: Inventory, read: Read, found: Difference) -> int | None:
    """What the files that are written took in the source's blobs, with a little more; None where that is not known."""
    if any(layer.estimated for layer in inventory.layers):
        return None
    compressed = inventory.column("compressed")
    rows = [read.wanted[paths[0]].row for paths in found.groups]
    return int(_TOLERATED * sum(int(compressed[row]) for row in rows if row >= 0))


def _places(inventory: Inventory, base: int, plan: _Plan, below: int) -> dict[str, int]:
    stop = int(inventory.starts[base])
    found = {path: int(inventory.layer[row]) for path, row in inventory.live.items() if row < stop}
    found |= {path: base + position for path, position in plan.kept.places.items() if path in inventory.live}
    for position, one in enumerate(plan.composed):
        found |= dict.fromkeys(one.paths, below + position)
    return found
