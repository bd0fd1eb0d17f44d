"""What an analysis did not check, in words: unknown is a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.owner import System
from slimml.oci.tar.events import Kind
from slimml.report.sizes import counted

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory


def unknowns_of(inventory: Inventory) -> tuple[str, ...]:
    """One sentence for each thing that the analysis of this image could not or did not look at."""
    found = ["Use: slimml did not run the image; whether a program needs a file is judged from its kind and owner."]
    estimated = sum(layer.estimated for layer in inventory.layers)
    if estimated:
        found.append(f"Compressed sizes of {counted(estimated, 'layer')} are estimated: no stored blob was read.")
    kinds = inventory.column("kind")
    unread = int(((kinds == Kind.FILE) & ~inventory.contents[1]).sum())
    if unread:
        found.append(
            f"Contents of {counted(unread, 'file')} were not read (the engine's checksums were): "
            "duplicates among them are candidates only."
        )
    unmatched = sum(layer.history is None for layer in inventory.image.layers)
    if unmatched:
        found.append(f"History: the build step of {counted(unmatched, 'layer')} is not recorded.")
    for position, owner in enumerate(inventory.owners):
        if owner.system is System.UNKNOWN:
            rows = int(np.count_nonzero(inventory.owner == position))
            place = owner.place or owner.name
            found.append(
                f"Owners: the package database {place} could not be read; {counted(rows, 'entry', 'entries')}"
                " under its control have no known owner."
            )
    return tuple(found)
