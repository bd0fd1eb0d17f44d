"""The layers of the result: unchanged blobs as they are, changed ones rewritten, empty ones left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from slimml.oci.codec import Encoding
from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import Compression, layer_type
from slimml.oci.tar.writer import TRAILER
from slimml.progress import SILENT, Progress
from slimml.slim.assemble import NewLayer
from slimml.slim.layer_sink import LayerSink, Nowhere, WrittenLayer
from slimml.slim.plan import Verb
from slimml.slim.rewrite import rewrite_layer
from slimml.slim.top_layer import TopLayer

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.slim.changes import Pass
    from slimml.slim.plan import Plan
    from slimml.slim.removed import RemovedContent

USUAL_LEVELS = {Compression.NONE: 0, Compression.GZIP: 6, Compression.ZSTD: 3}
"""levels of compression where none was asked for"""

_STRONGER = {Compression.GZIP: 9, Compression.ZSTD: 12}
_TOLERATED = 1.04
"""how far a rewritten layer may be above what its parts took in the source's blob before a stronger level is tried"""

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Laid:
    """A layer of the result; `tar_bytes` is its length uncompressed."""

    new: NewLayer
    tar_bytes: int


def stored_bytes(inventory: Inventory, layer: int) -> int:
    """The size of a layer's blob; of a plain tar, whose descriptor may not tell it, the tar's."""
    size = inventory.image.layers[layer].descriptor.size
    return inventory.layers[layer].tar_bytes if size == UNKNOWN_SIZE else size


def rewrite_all(
    work: Pass,
    store: BlobStore,
    removed: RemovedContent | None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> list[Laid]:
    """The layers of the result, in order; at least one. Raises what `rewrite_layer` raises."""
    inventory, plan = work.inventory, work.plan
    count = len(inventory.image.layers)
    touched = [index for index in range(count) if plan.options.flatten or _is_touched(inventory, plan, index)]
    with progress.task("rewriting layers", sum(stored_bytes(inventory, index) for index in touched)) as task:
        rewriting = _Rewriting(work, store, limits, task.advance)
        if plan.options.flatten:
            return [rewriting.join(removed)]
        if not plan.lifted:
            return _each(rewriting, inventory, plan, touched, removed)
        encoding = plan.options.rewritten_as or _usual_encoding(work)
        with LayerSink(store, encoding, layer_type(encoding.compression, docker=False)) as sink:
            rewriting.top = TopLayer(inventory, sink)
            found = _each(rewriting, inventory, plan, touched, removed)
            sink.write(TRAILER)
            written = sink.finish()
        return [*found, Laid(NewLayer(written.descriptor, written.diff_id, store, None), written.tar_bytes)]


def _each(
    rewriting: _Rewriting, inventory: Inventory, plan: Plan, touched: list[int], removed: RemovedContent | None
) -> list[Laid]:
    found: list[Laid] = []
    count = len(inventory.image.layers)
    for index in range(count):
        if index not in touched:
            found.append(rewriting.unchanged(index))
        elif _is_left_empty(inventory, plan, index) and (found or index + 1 < count):
            rewriting.look(index, removed)
        else:
            found.append(rewriting.change(index, removed))
    return found


def _usual_encoding(work: Pass) -> Encoding:
    """How a layer of which there was none is stored: as the others are."""
    kinds = {layer.compression for layer in work.inventory.image.layers}
    usual = next((kind for kind in (Compression.ZSTD, Compression.GZIP) if kind in kinds), Compression.NONE)
    return Encoding(usual, USUAL_LEVELS[usual], work.plan.options.threads)


def new_positions(inventory: Inventory, plan: Plan) -> dict[int, int]:
    """The layer of the result, from 0 at the bottom, that each layer becomes, those left empty left out."""
    if plan.options.flatten:
        return dict.fromkeys(range(len(inventory.layers)), 0)
    left = [index for index in range(len(inventory.layers)) if not _is_left_empty(inventory, plan, index)]
    return {index: position for position, index in enumerate(left)}


def _rows(inventory: Inventory, index: int) -> slice:
    return slice(int(inventory.starts[index]), int(inventory.starts[index + 1]))


def _is_touched(inventory: Inventory, plan: Plan, index: int) -> bool:
    anew = plan.options.rewritten_as is not None
    return bool(anew or index in plan.parents or plan.verb[_rows(inventory, index)].any())


def _is_left_empty(inventory: Inventory, plan: Plan, index: int) -> bool:
    verb = plan.verb[_rows(inventory, index)]
    return bool(len(verb) and index not in plan.parents and np.isin(verb, (Verb.DROP, Verb.MOVED, Verb.LIFT)).all())


class _Rewriting:
    def __init__(self, work: Pass, store: BlobStore, limits: Limits, advance: Advance) -> None:
        self._work, self._store, self._limits, self._advance = work, store, limits, advance
        self.top: TopLayer | None = None

    def unchanged(self, index: int) -> Laid:
        inventory = self._work.inventory
        source = inventory.image.layers[index]
        descriptor = replace(source.descriptor, size=stored_bytes(inventory, index))
        new = NewLayer(descriptor, source.diff_id, source.blobs, index)
        return Laid(new, inventory.layers[index].tar_bytes)

    def look(self, index: int, removed: RemovedContent | None) -> None:
        """Read a layer of which nothing is left, for the ledger."""
        rewrite_layer(self._work, index, Nowhere(), removed, top=self.top, limits=self._limits, advance=self._advance)

    def change(self, index: int, removed: RemovedContent | None) -> Laid:
        """The rewritten layer, or the source's where rewriting gained nothing and changed nothing."""
        inventory, plan = self._work.inventory, self._work.plan
        source = inventory.image.layers[index]
        encoding = plan.options.rewritten_as or Encoding(
            source.compression, USUAL_LEVELS[source.compression], plan.options.threads
        )
        written = self._write([index], encoding, removed, self._advance)
        same = written.diff_id == source.diff_id
        if not same and written.descriptor.size > _TOLERATED * self._expected(index):
            stronger = _STRONGER.get(encoding.compression, 0)
            if plan.options.rewritten_as is None and stronger > encoding.level:
                top, self.top = self.top, None  # what was lifted was written already
                again = self._write([index], replace(encoding, level=stronger), None, lambda amount: None)
                self.top = top
                written = min(written, again, key=lambda it: it.descriptor.size)
        taken = plan.options.accepts is None or source.compression in plan.options.accepts
        gained = plan.options.rewritten_as is not None and written.descriptor.size < stored_bytes(inventory, index)
        if same and taken and not gained:
            return self.unchanged(index)
        return self._laid(written, index)

    def join(self, removed: RemovedContent | None) -> Laid:
        """All layers in one."""
        plan, layers = self._work.plan, self._work.inventory.image.layers
        encoding = plan.options.rewritten_as or _usual_encoding(self._work)
        return self._laid(self._write(list(range(len(layers))), encoding, removed, self._advance), None)

    def _write(
        self, indexes: list[int], encoding: Encoding, removed: RemovedContent | None, advance: Advance
    ) -> WrittenLayer:
        media_type = layer_type(encoding.compression, docker=False)
        with LayerSink(self._store, encoding, media_type) as sink:
            for index in indexes:
                rewrite_layer(self._work, index, sink, removed, top=self.top, limits=self._limits, advance=advance)
            sink.write(TRAILER)
            return sink.finish()

    def _laid(self, written: WrittenLayer, source: int | None) -> Laid:
        return Laid(NewLayer(written.descriptor, written.diff_id, self._store, source), written.tar_bytes)

    def _expected(self, index: int) -> int:
        """What the entries that stay take in the source's blob, in bytes."""
        inventory = self._work.inventory
        rows = _rows(inventory, index)
        verb = self._work.plan.verb[rows]
        compressed = inventory.column("compressed")[rows]
        replaced = np.flatnonzero(verb == Verb.REPLACE)
        shrunk = sum(
            int(compressed[at]) * (1 - self._work.plan.offers[rows.start + at].content.size / size)
            for at, size in zip(replaced.tolist(), inventory.column("size")[rows][replaced].tolist(), strict=True)
        )
        gone = np.isin(verb, (Verb.DROP, Verb.LINK, Verb.LIFT))
        return stored_bytes(inventory, index) - int(compressed[gone].sum()) - int(shrunk)
