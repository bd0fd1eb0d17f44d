"""Where the bytes of an image are: by package system, by owner, by what the files are. Each way sums to the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.part import Part
from slimml.bloat.path_facts import path_facts
from slimml.inventory.form import OTHER
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

SHADOWED = "shadowed"
"""bytes that later layers hide"""
TAR_OVERHEAD = "tar overhead"
"""compressed bytes of entries without content (directories, links, whiteouts) and of the ends of the tars"""
SMALLER = "smaller ones"
"""owners below the largest"""


@dataclass(frozen=True)
class Breakdown:
    """Three ways to cut the image, each largest part first.

    In each the parts' rows sum to the table's, `disk_bytes` to the image's content and `compressed_bytes` to its blobs.
    SMALLER, SHADOWED and TAR_OVERHEAD come last, in this order, where there are any.
    """

    systems: tuple[Part, ...]
    owners: tuple[Part, ...]
    forms: tuple[Part, ...]


def breakdown(inventory: Inventory, top: int = 20) -> Breakdown:
    """The image cut by system, by owner (the `top` largest) and by form; hidden files and headers are parts too.

    Compressed bytes are estimates of where in a blob a file lies, but their sum is exact.
    """
    systems = [owner.system.value for owner in inventory.owners]
    labels = [owner.label for owner in inventory.owners]
    facts = path_facts(inventory)
    forms = [name or OTHER for name in facts.forms] or [OTHER]
    owners = inventory.owner.astype(np.int64)
    return Breakdown(
        _cut(inventory, systems, owners),
        _largest(_cut(inventory, labels, owners), top),
        _cut(inventory, forms, facts.form),
    )


def _cut(inventory: Inventory, labels: list[str], codes: NDArray[np.int64]) -> tuple[Part, ...]:
    """Live files by label; what is shadowed, and what has no content, apart."""
    names = sorted(set(labels))
    positions = {name: position for position, name in enumerate(names)}
    merged = np.array([positions[label] for label in labels], dtype=np.int64)[codes]
    shadowed = np.isin(inventory.state, (State.OVERWRITTEN, State.DELETED))
    bare = inventory.column("kind") != Kind.FILE
    merged = np.where(bare, len(names) + 1, np.where(shadowed, len(names), merged))
    rows = np.bincount(merged, minlength=len(names) + 2)
    disk = _sums(merged, inventory.column("size"), len(rows))
    compressed = _sums(merged, inventory.column("compressed"), len(rows))
    compressed[-1] += sum(layer.trailer_compressed for layer in inventory.layers)
    parts = [
        Part(label, int(count), int(size), int(part))
        for label, count, size, part in zip([*names, SHADOWED, TAR_OVERHEAD], rows, disk, compressed, strict=True)
    ]
    named = sorted(parts[:-2], key=lambda part: (-part.disk_bytes, part.label))
    return tuple(part for part in (*named, *parts[-2:]) if part.rows or part.compressed_bytes)


def _sums(codes: NDArray[np.int64], values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Sums by code in whole numbers: bincount's weights are floats, which lose bytes above 2**53."""
    totals = np.zeros(count, dtype=np.int64)
    np.add.at(totals, codes, values)
    return totals


def _largest(parts: tuple[Part, ...], top: int) -> tuple[Part, ...]:
    own = [part for part in parts if part.label not in (SHADOWED, TAR_OVERHEAD)]
    rest = own[top:]
    smaller = Part(
        SMALLER,
        sum(part.rows for part in rest),
        sum(part.disk_bytes for part in rest),
        sum(part.compressed_bytes for part in rest),
    )
    return (*own[:top], *([smaller] if rest else ()), *parts[len(own) :])
