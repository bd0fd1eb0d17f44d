"""The result of `optimize` with another image in place of the slim one: measured anew, its ledger told of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml import __version__
from slimml.oci.artifact import LEDGER
from slimml.oci.media_types import Compression
from slimml.slim.assemble import labelled
from slimml.slim.layers import stored_bytes
from slimml.slim.ledger import Ledger, Side, ledger_lines
from slimml.slim.optimize import Measured, Slimmed

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.oci.descriptor import Descriptor
    from slimml.slim.plan import Plan

_END = b"]}"
"""closes the first line of a ledger, which ends as its list of entries begins"""
_CHUNK = 1 << 16


def unchanged(inventory: Inventory, plan: Plan, store: BlobStore) -> Slimmed:
    """The image as it is, as a result of a plan by which nothing goes; its ledger has no entries."""
    image = inventory.image
    measured = measure(inventory)
    side = _side(inventory, measured)
    source = replace(side, manifest=image.manifest.digest, config=image.config.digest)
    ledger = Ledger(__version__, plan.options.to_json(), source, side, None, plan.notes, ())
    written = _stored(ledger_lines(ledger), store)
    told = {
        "version": __version__,
        "level": plan.options.level.value,
        "source.digest": image.manifest.digest,
        "ledger.digest": written.digest,
        "verified": "no",
    }
    plain = any(layer.compression is Compression.NONE for layer in image.layers)
    return Slimmed(labelled(image, store, told), store, plan, written, None, measured, measured, plain)


def with_added(slimmed: Slimmed, inventory: Inventory, added: int, notes: Sequence[str]) -> Slimmed:
    """`slimmed` with the image of `inventory`, which has `added` files more; `notes` are told in the ledger.

    Nothing else than its layers may differ: what was removed stays what it is.
    """
    after = measure(inventory)
    store = slimmed.store
    ledger = _stored(_retold(slimmed.ledger, store, _side(inventory, after), notes), store)
    image = labelled(inventory.image, store, {"ledger.digest": ledger.digest})
    return replace(slimmed, image=image, ledger=ledger, after=after, added=slimmed.added + added)


def measure(inventory: Inventory) -> Measured:
    """An image's bytes."""
    return Measured(
        sum(stored_bytes(inventory, index) for index in range(len(inventory.layers))),
        sum(layer.tar_bytes for layer in inventory.layers),
        inventory.disk_bytes,
    )


def _side(inventory: Inventory, measured: Measured) -> Side:
    layers = inventory.image.layers
    return Side(
        diff_ids=tuple(layer.diff_id for layer in layers),
        layers=tuple(layer.descriptor.digest for layer in layers),
        compressed_bytes=measured.stored,
        disk_bytes=measured.disk,
    )


def _retold(ledger: Descriptor, store: BlobStore, result: Side, notes: Sequence[str]) -> Iterator[bytes]:
    """A ledger in pieces, with another result; the entries pass through as they are."""
    with store.open_blob(ledger) as file:
        first = b""
        while b"\n" not in first and (piece := file.read(_CHUNK)):
            first += piece
        line, end, rest = first.partition(b"\n")
        head = json.loads(line + _END)
        del head["entries"]
        head["result"] = result.to_json()
        head["notes"] += notes
        text = json.dumps(head, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        yield f'{text[:-1]},"entries":['.encode()
        yield end + rest
        while piece := file.read(_CHUNK):
            yield piece


def _stored(lines: Iterator[bytes], store: BlobStore) -> Descriptor:
    with store.writer() as sink:
        for line in lines:
            sink.write(line)
        return sink.commit(LEDGER)
