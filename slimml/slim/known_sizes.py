"""An image out of an engine, with the sizes of its layers, which only reading them tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.slim.assemble import stored_size

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Image


def with_sizes(image: Image, inventory_of: Callable[[Image], Inventory]) -> Image:
    """`image` as it is, or, where a size is not known, with those that its inventory tells (plain tars)."""
    if all(layer.descriptor.size != UNKNOWN_SIZE for layer in image.layers):
        return image
    read = inventory_of(image).layers
    sized = (
        replace(layer, descriptor=stored_size(layer, one.tar_bytes))
        for layer, one in zip(image.layers, read, strict=True)
    )
    return replace(image, layers=tuple(sized))
