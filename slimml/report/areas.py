"""Where bytes lie in a picture: a squarified treemap (Bruls, Huizing, van Wijk 2000) of layers and their owners."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Findings, Risk
from slimml.errors import Unsupported

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory

CAPTION = 0.19
"""height of a layer's caption, in the picture's inches"""
_SMALLEST = 0.0015
"""owners below this share of the image are drawn together"""


@dataclass(frozen=True)
class OwnerArea:
    """What an owner has in a layer: bytes on disk, and how many of them could go at which risk."""

    layer: int
    system: str
    name: str
    total: int
    going: Mapping[Risk, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Block:
    """A rectangle, lower left corner and size, in inches; the upper `caption` of it is for words."""

    x: float
    y: float
    width: float
    height: float
    caption: float = 0.0


def areas_of(inventory: Inventory, findings: Findings) -> list[OwnerArea]:
    """Every owner's bytes in every layer; small owners of a layer are summed up by their system."""
    sizes, layer, owner = inventory.column("size"), inventory.layer, inventory.owner
    totals: dict[tuple[int, str, str], int] = defaultdict(int)
    going: dict[tuple[int, str, str], dict[Risk, int]] = defaultdict(lambda: defaultdict(int))
    count = len(inventory.owners)
    cells = layer.astype(np.int64) * count + owner
    sums = np.zeros(count * max(1, len(inventory.layers)), dtype=np.int64)
    np.add.at(sums, cells, sizes)
    least = _SMALLEST * max(1, inventory.disk_bytes)
    keys = {cell: _key(inventory, cell, int(sums[cell]) < least) for cell in np.flatnonzero(sums).tolist()}
    for cell, key in keys.items():
        totals[key] += int(sums[cell])
    for finding in findings:
        whole = int(sizes[finding.rows].sum())
        part = np.zeros(len(sums), dtype=np.int64)
        np.add.at(part, cells[finding.rows], sizes[finding.rows])
        for cell in np.flatnonzero(part).tolist():
            # Where only a part of each file could go (symbols), that share of each owner's files is drawn.
            going[keys[cell]][finding.risk] += int(part[cell]) * finding.disk_bytes // whole
    return [OwnerArea(*key, total=total, going=dict(going[key])) for key, total in totals.items()]


def _key(inventory: Inventory, cell: int, small: bool) -> tuple[int, str, str]:
    layer, position = divmod(cell, len(inventory.owners))
    owner = inventory.owners[position]
    return layer, owner.system.value, f"other {owner.system.value}" if small else owner.name


def layout(
    areas: Sequence[OwnerArea], width: float, height: float
) -> list[tuple[Block, list[tuple[Block, OwnerArea]]]]:
    """Blocks for layers, and in each blocks for its owners, largest first."""
    by_layer: dict[int, list[OwnerArea]] = defaultdict(list)
    for area in areas:
        by_layer[area.layer].append(area)
    layers = sorted(by_layer.values(), key=lambda owners: -sum(area.total for area in owners))
    blocks = _squarify([sum(area.total for area in owners) for owners in layers], Block(0, 0, width, height))
    found = []
    for block, owners in zip(blocks, layers, strict=True):
        caption = CAPTION if block.height > 2.5 * CAPTION and block.width > 0.5 else 0.0
        inside = Block(block.x, block.y, block.width, block.height - caption)
        owners.sort(key=lambda area: (-area.total, area.name))
        parts = _squarify([area.total for area in owners], inside)
        framed = Block(block.x, block.y, block.width, block.height, caption)
        found.append((framed, list(zip(parts, owners, strict=True))))
    return found


def _squarify(sizes: list[int], block: Block) -> list[Block]:
    try:
        import squarify
    except ImportError:
        raise Unsupported("pictures need squarify: pip install 'slimml[charts]'") from None
    scaled = squarify.normalize_sizes(sizes, block.width, block.height)
    found = squarify.squarify(scaled, 0, 0, block.width, block.height)
    # squarify begins at the origin; people begin to look at the upper left.
    return [
        Block(block.x + one["x"], block.y + block.height - one["y"] - one["dy"], one["dx"], one["dy"]) for one in found
    ]
