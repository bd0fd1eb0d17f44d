"""The order in which a program used its files, kept with its image: what lazy pulling and prefetching load first.

A JSON document, schema `slimml.start-order/1`: `files` are what is left of the image's files that were opened, in the
order of their first use, each with its path, the layer of the result it lies in (from 0 at the bottom), its size in
bytes (as it was in the original) and the seconds from the start of the recording. Of several recordings the first
comes first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slimml.inventory.root import merged_root
from slimml.oci.artifact import ORDER
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import sha256
from slimml.oci.tar.events import Kind
from slimml.slim.assemble import labelled
from slimml.slim.layers import new_positions
from slimml.slim.plan import Verb
from slimml.usage.recording import Operation

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.slim.optimize import Slimmed
    from slimml.slim.plan import Plan
    from slimml.usage.recording import Recording, Use

SCHEMA = "slimml.start-order/1"
LABEL = "start-order.digest"

_READ = Operation.OPEN | Operation.EXEC
_FILES = (Kind.FILE, Kind.HARDLINK)
_GONE = (Verb.DROP, Verb.MOVE)


@dataclass(frozen=True)
class Started:
    """A file in the order of first use. `first` is in seconds, `size` in bytes."""

    path: str
    layer: int
    size: int
    first: float


def start_order(
    inventory: Inventory, plan: Plan, recordings: Sequence[Recording], places: Mapping[str, int] | None = None
) -> tuple[Started, ...]:
    """The files that the plan leaves, in the order of their first use; `places` are layers by path where these were
    laid out anew.
    """
    return tuple(_in_order(inventory, plan, recordings, places))


def with_start_order(
    slimmed: Slimmed, inventory: Inventory, recordings: Sequence[Recording], store: BlobStore
) -> Slimmed:
    """The result with its order as one more blob of `store`, whose digest a label of the image names."""
    image = slimmed.image
    places = slimmed.relaid.places if slimmed.relaid else None
    document = {
        "schema": SCHEMA,
        "diff_ids": [layer.diff_id for layer in image.layers],
        "files": [
            {"path": it.path, "layer": it.layer, "size": it.size, "first": round(it.first, 4)}
            for it in start_order(inventory, slimmed.plan, recordings, places)
        ],
    }
    raw = json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    blob = Descriptor(ORDER, sha256(raw), len(raw))
    store.put_bytes(blob, raw)
    return replace(slimmed, image=labelled(image, store, {LABEL: blob.digest}), order=blob)


def first_uses(inventory: Inventory, recordings: Sequence[Recording]) -> Iterator[tuple[int, Use]]:
    """The rows of files that were opened, each once, in the order of their first use."""
    root = merged_root(inventory)
    kind = inventory.column("kind")
    told: set[int] = set()
    for recording in recordings:
        for use in sorted(recording.uses, key=lambda use: use.order):
            row = inventory.live.get(root.resolve(use.path))
            if row is None or row in told or not use.operations & _READ or kind[row] not in _FILES:
                continue
            told.add(row)
            yield row, use


def _in_order(
    inventory: Inventory, plan: Plan, recordings: Sequence[Recording], places: Mapping[str, int] | None
) -> Iterator[Started]:
    size = inventory.column("size")
    positions = new_positions(inventory, plan)
    top = max(positions.values(), default=-1) + 1
    for row, use in first_uses(inventory, recordings):
        if plan.verb[row] in _GONE:
            continue
        if places is not None:
            layer = places[inventory.paths[row]]
        else:
            layer = top if row in plan.lifted else positions[int(inventory.layer[row])]
        replaced = plan.verb[row] == Verb.REPLACE
        bytes_now = plan.offers[row].content.size if replaced else int(size[row])
        yield Started(inventory.paths[row], layer, bytes_now, use.first)
