"""What the layers of an image tell of files that were copied: their names, which some histories do not have."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from slimml.dockerfile.history import read_entry

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.config import ImageConfig


def hides_names(config: ImageConfig) -> bool:
    """Whether the history has a checksum in place of the name of a file that was copied into a directory."""
    entries = [read_entry(entry.created_by) for entry in config.history]
    return any(entry.copied == "file" and entry.target.endswith(("/", ".")) for entry in entries)


def single_files(inventory: Inventory) -> dict[int, list[str]]:
    """By layer the path of its file, of those layers that have one file and no more."""
    from slimml.oci.tar.events import Kind

    kinds, starts = inventory.column("kind"), inventory.starts.tolist()
    found = {}
    for layer, (start, end) in enumerate(pairwise(starts)):
        rows = (kinds[start:end] == Kind.FILE).nonzero()[0]
        if len(rows) == 1:
            found[layer] = [inventory.paths[start + int(rows[0])]]
    return found
