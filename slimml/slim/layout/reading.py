"""Reads an image that is laid out anew, and the previous one: roots as nodes, contents in the spool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.errors import InvalidImage, NotFound, Unsupported
from slimml.inventory.table import State
from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import is_foreign
from slimml.progress import SILENT, Progress
from slimml.slim.layers import stored_bytes
from slimml.slim.layout.keep import Candidate, candidates
from slimml.slim.layout.listing import Listing, read_listing
from slimml.slim.layout.root import Root, apply_layer, copied
from slimml.slim.names import hard_links

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Image, Layer
    from slimml.slim.layout.spool import Spool


@dataclass(frozen=True)
class Read:
    """An image's root, and that of its lowest layers, the base."""

    base: Root
    wanted: Root


@dataclass(frozen=True)
class Previous:
    """Layers of another image that may stay as they are."""

    layers: tuple[Layer, ...]
    listings: tuple[Listing, ...]
    found: tuple[Candidate, ...]


def read_image(
    inventory: Inventory,
    base: int,
    spool: Spool,
    *,
    whole: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Read:
    """Read all layers, each once; contents that a container sees and that lie above the `base` layers go to the spool,
    those of the base as well if the `whole` is wanted.

    Raises Unsupported for what engines disagree about or slimml cannot move, InvalidImage, and what reading raises.
    """
    image = inventory.image
    wanted = _content_rows(inventory, 0 if whole else int(inventory.starts[base]))
    below: Root = {}
    root: Root = {}
    total = sum(stored_bytes(inventory, index) for index in range(len(image.layers)))
    with progress.task("reading layers", total) as task:
        for index, layer in enumerate(image.layers):
            listing = read_listing(
                layer,
                spool,
                lambda row: bool(wanted[row]),
                int(inventory.starts[index]),
                limits=limits,
                advance=task.advance,
            )
            apply_layer(root, listing)
            if index == base - 1:
                below = copied(root)
    return Read(below, root)


def read_previous(
    image: Image, read: Read, own: Sequence[Layer], *, limits: Limits = DEFAULT_LIMITS, progress: Progress = SILENT
) -> Previous | str:
    """What can be kept of the previous image, whose layers that are in `own` (the base) are left out; why nothing can,
    in words.
    """
    known = {layer.diff_id for layer in own}
    free = (one for one in image.layers if one.diff_id not in known and not is_foreign(one.descriptor.media_type))
    layers = tuple({one.diff_id: one for one in free}.values())
    sizes = [layer.descriptor.size for layer in layers]
    total = None if UNKNOWN_SIZE in sizes else sum(sizes)
    try:
        with progress.task("reading the previous image", total) as task:
            listings = tuple(read_listing(layer, limits=limits, advance=task.advance) for layer in layers)
        stored = [
            listing.tar_bytes if size == UNKNOWN_SIZE else size for size, listing in zip(sizes, listings, strict=True)
        ]
        found = candidates(read.base, read.wanted, listings, stored)
    except (InvalidImage, NotFound, Unsupported) as error:
        return f"the previous image is not used: {error}"
    if not found:
        return f"the previous image is not used: {image.reference} has nothing in common with this one above its base"
    return Previous(layers, listings, tuple(found))


def _content_rows(inventory: Inventory, first: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Rows from `first` on that a container sees, and those, wherever, whose content they name as hard links."""
    found = np.asarray(inventory.state == State.LIVE, dtype=bool)
    found[:first] = False
    links = hard_links(inventory)
    found[links.holder[found[links.rows]]] = True
    return found
