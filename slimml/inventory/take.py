"""Takes the inventory of an image: layers from the cache or read once, merged, and every row given its owner."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from slimml.inventory.merge import merge
from slimml.inventory.owners.assign import assign_owners
from slimml.inventory.read_layers import read_layers
from slimml.inventory.table import LAYER_SCHEMA, Inventory, LayerInventory
from slimml.oci.digest import Digest
from slimml.oci.image import Image, Layer
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.inventory.cache import LayerCache


def _nothing() -> None:
    """Done while others read, when nobody has anything to do."""


def take_inventory(
    image: Image,
    *,
    limits: Limits = DEFAULT_LIMITS,
    cache: LayerCache | None = None,
    progress: Progress = SILENT,
    meanwhile: Callable[[], None] = _nothing,
) -> Inventory:
    """The inventory of `image`. Layers that are not in `cache` are read, verified, and put there.

    `meanwhile` is called once while other processes read layers, if any do: for what would have to be done anyway.
    Raises InvalidImage, LimitExceeded, and what reading the image raises.
    """
    layers = _known_layers(image, cache)
    missing = {layer.diff_id: layer for layer in image.layers if layer.diff_id not in layers}
    read = read_layers(replace(image, layers=tuple(missing.values())), limits, progress, meanwhile) if missing else {}
    layers |= read
    # Keeping layers waits for the disk while the merge does not.
    keeping = threading.Thread(target=_keep, args=(cache, image, missing, read), name="slimml-cache")
    keeping.start()
    try:
        return build_inventory(image, tuple(layers[layer.diff_id] for layer in image.layers))
    finally:
        keeping.join()


def _known_layers(image: Image, cache: LayerCache | None) -> dict[Digest, LayerInventory]:
    found: dict[Digest, LayerInventory] = {}
    if cache is None:
        return found
    listed = image.listing is not None
    for layer in image.layers:
        known = cache.get(_key(layer)) or (cache.get(_key(layer), listed=True) if listed else None)
        if known is not None:
            found[layer.diff_id] = known
    return found


def _keep(
    cache: LayerCache | None, image: Image, layers: Mapping[Digest, Layer], found: Mapping[Digest, LayerInventory]
) -> None:
    if cache is None:
        return
    for diff_id, layer in layers.items():
        cache.put(_key(layer), found[diff_id], listed=image.listing is not None)


def _key(layer: Layer) -> Digest:
    return layer.descriptor.digest


def build_inventory(image: Image, layers: tuple[LayerInventory, ...]) -> Inventory:
    """An inventory of layers that were read already, in the image's order."""
    table = pa.concat_tables([LAYER_SCHEMA.empty_table(), *(layer.table for layer in layers)])
    starts = np.cumsum([0] + [layer.table.num_rows for layer in layers], dtype=np.int64)
    merged = merge(layers)
    nobody = np.zeros(table.num_rows, np.int32)
    unowned = Inventory(image, layers, table, starts, merged.state, merged.by, nobody, ())
    owner, owners = assign_owners(unowned)
    return replace(unowned, owner=owner, owners=owners)
