"""How many of an image's lowest layers other images have as well: those stay as they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from slimml.errors import UsageError
from slimml.slim.assemble import LABEL as PREFIX

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Image
    from slimml.slim.layout.asked import Layout

_ENDS = re.compile(r"(?:\A|/bin/sh -c #\(nop\)\s+|\s)(?:CMD|ENTRYPOINT)\s*[\[ ]")
_LARGE = 0.5

LABEL = "layout.base"
"""says of an image that was laid out how many layers were left as its base"""


def base_layers(inventory: Inventory, layout: Layout) -> int:
    """How many of the lowest layers of the image stay as they are; raises UsageError for a base of another image."""
    sizes = tuple(layer.blob_bytes for layer in inventory.layers)
    return shared_base(inventory.image, layout.base, layout.previous, sizes)


def shared_base(image: Image, base: Image | None, previous: Image | None, sizes: tuple[int, ...]) -> int:
    """The number of layers, from the bottom; `sizes` are those of the layers' blobs, in bytes.

    With `base` those that it begins with as well. Else those that the `previous` image was laid out above, if this one
    has them, too. Else what its history tells: a Dockerfile ends in CMD or ENTRYPOINT, so the last of these with layers
    after it ended the base; without any, the lowest layer, unless it is most of the image. Raises UsageError where
    `base` is the base of something else.
    """
    if base is not None:
        count = 0
        for own, other in zip(image.layers, base.layers, strict=False):
            if own.diff_id != other.diff_id:
                break
            count += 1
        if not count:
            raise UsageError(f"{base.reference} is no base of {image.reference}: they have no layer in common")
        return count
    told = _told_by_previous(image, previous) or _told_by_history(image)
    if told:
        return told
    return 1 if len(sizes) > 1 and sizes[0] <= _LARGE * sum(sizes) else 0


def _told_by_previous(image: Image, previous: Image | None) -> int:
    said = previous.config.labels.get(f"{PREFIX}{LABEL}", "") if previous is not None else ""
    if previous is None or not (said.isascii() and said.isdigit()) or len(said) > len(str(len(image.layers))):
        return 0
    count = int(said)
    same = image.config.diff_ids[:count] == previous.config.diff_ids[:count]
    return count if same and count <= len(image.layers) else 0


def _told_by_history(image: Image) -> int:
    history = image.config.history
    unnamed = len(image.layers) - sum(not entry.empty for entry in history)
    if unnamed < 0:
        return 0
    found = made = 0
    for position, entry in enumerate(history):
        made += not entry.empty
        ends = entry.empty and _ENDS.search(entry.created_by)
        if ends and any(not later.empty for later in history[position + 1 :]):
            found = unnamed + made
    return found
