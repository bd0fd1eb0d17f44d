"""What is asked of a layout: which layers are shared with other images, and which image nodes have already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slimml.oci.image import Image


@dataclass(frozen=True)
class Layout:
    """`base` is an image whose layers stay as they are (None: what the history tells); `previous` the image that nodes
    have (None: none).
    """

    base: Image | None = None
    previous: Image | None = None

    def to_json(self) -> dict[str, Any]:
        """What the ledger says of it."""
        named = {"base": self.base, "previous": self.previous}
        return {name: image.manifest.digest for name, image in named.items() if image is not None}
