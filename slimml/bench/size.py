"""How large an image is: on disk, compressed, in layers and files. Read once; it is the same in every round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slimml.bench.results import ImageFacts, Measure, Measurement

if TYPE_CHECKING:
    from slimml.bench.directory import Directory
    from slimml.inventory.table import Inventory

ESTIMATED = "compressed bytes are estimated: where the image is, no compressed layers are kept"
ALONE = "sizes are of the directories alone: an interpreter or packages outside of them do not count"


def measure_size(inventory: Inventory, image: ImageFacts, pushed: Sequence[int] | None = None) -> Measurement:
    """Bytes on disk are the contents of all layers, as `docker images` counts; files are those of the merged root.

    `pushed` are the bytes of the layers' blobs as a registry has them, where that is known better. The share of the
    largest layer is of the compressed bytes: engines fetch layers side by side, and the largest one bounds what that
    gives.
    """
    from slimml.inventory.table import State
    from slimml.oci.tar.events import Kind

    blobs = [layer.blob_bytes for layer in inventory.layers] if pushed is None else list(pushed)
    kinds = inventory.column("kind")
    files = (inventory.state == State.LIVE) & ((kinds == Kind.FILE) | (kinds == Kind.HARDLINK))
    estimated = pushed is None and any(layer.estimated for layer in inventory.layers)
    return Measurement(
        Measure.SIZE,
        image,
        counters={
            "disk_bytes": inventory.disk_bytes,
            "compressed_bytes": sum(blobs),
            "layers": len(blobs),
            "files": int(files.sum()),
            "largest_layer_share": round(max(blobs, default=0) / max(1, sum(blobs)), 4),
        },
        remarks=(ESTIMATED,) if estimated else (),
    )


def measure_directory(directory: Directory, image: ImageFacts) -> Measurement:
    """Bytes and names of regular files; there are neither layers nor compressed bytes."""
    unread = f"{image.reference}: {directory.unread} directories in it may not be listed, and do not count"
    return Measurement(
        Measure.SIZE,
        image,
        counters={"disk_bytes": directory.bytes, "files": directory.files},
        remarks=(ALONE, unread) if directory.unread else (ALONE,),
    )
