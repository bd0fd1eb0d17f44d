"""What an update of an image costs as its layers are: a layer that changes is fetched whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.owner import System
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.slim.layout.classes import Class, Classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slimml.inventory.table import Inventory

_DISTRIBUTIONS = frozenset({System.PYTHON, System.CONDA, System.NPM})
_FILES = (Kind.FILE, Kind.HARDLINK, Kind.SYMLINK)


@dataclass(frozen=True)
class Update:
    """What is fetched when something changes, in compressed bytes. `own_bytes` is what changes; `layer_bytes` are the
    layers that hold it, `build_bytes` those and all above them, which a build makes anew.

    `name` is that of a distribution, "" for one file of the application: the largest in the layer that holds
    most of those in the directory it runs in.
    """

    name: str
    own_bytes: int
    layer_bytes: int
    build_bytes: int


def update_costs(inventory: Inventory) -> tuple[Update, ...]:
    """One changed file of the application, then of all distributions that whose update costs least, the median one and
    that which costs most; what is not there is left out.
    """
    blobs = [layer.blob_bytes for layer in inventory.layers]
    kinds = inventory.column("kind")
    live = (inventory.state == State.LIVE) & np.isin(kinds, _FILES)
    found = _application(inventory, live, blobs)
    own = sorted(_distributions(inventory, live, blobs), key=lambda it: (it.layer_bytes, it.own_bytes, it.name))
    chosen = [own[at] for at in sorted({0, len(own) // 2, len(own) - 1})] if own else []
    return (*found, *chosen)


def _application(inventory: Inventory, live: np.ndarray, blobs: Sequence[int]) -> list[Update]:
    classes = Classes(inventory)
    unowned = [position for position, owner in enumerate(inventory.owners) if owner.system is System.APPLICATION]
    rows = [
        row
        for row in np.flatnonzero(live & np.isin(inventory.owner, unowned)).tolist()
        if classes.of(inventory.paths[row])[0] is Class.APPLICATION
    ]
    if not rows:
        return []
    # Caches and the like that nobody owns may be many; where the program runs is where its files are.
    place = str(inventory.image.config.runtime.get("WorkingDir") or "").strip("/")
    rows = [row for row in rows if place and inventory.paths[row].startswith(f"{place}/")] or rows
    layers = inventory.layer[rows]
    layer = int(np.bincount(layers).argmax())
    largest = int(inventory.column("compressed")[rows][layers == layer].max())
    return [Update("", largest, blobs[layer], sum(blobs[layer:]))]


def _distributions(inventory: Inventory, live: np.ndarray, blobs: Sequence[int]) -> list[Update]:
    positions = [position for position, owner in enumerate(inventory.owners) if owner.system in _DISTRIBUTIONS]
    rows = np.flatnonzero(live & np.isin(inventory.owner, positions))
    compressed = inventory.column("compressed")[rows]
    owners, layers = inventory.owner[rows], inventory.layer[rows]
    bytes_of = np.zeros(len(inventory.owners), dtype=np.int64)
    np.add.at(bytes_of, owners, compressed)
    holding: dict[int, set[int]] = {}
    for owner, layer in np.unique(np.stack([owners.astype(np.int64), layers.astype(np.int64)]), axis=1).T.tolist():
        holding.setdefault(owner, set()).add(layer)
    return [
        Update(
            inventory.owners[owner].name,
            int(bytes_of[owner]),
            sum(blobs[layer] for layer in own),
            sum(blobs[min(own) :]),
        )
        for owner, own in holding.items()
    ]
