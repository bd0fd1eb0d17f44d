"""All blobs of an image into a blob store: copied, linked or found there, always verified, diff IDs included."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from slimml.errors import InvalidImage, NotFound
from slimml.oci.blobs import BlobStore
from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.oci.digest import Digest
from slimml.oci.formats import as_oci
from slimml.oci.image import Image, Layer
from slimml.oci.limits import Limits
from slimml.oci.verified_layer import drain, may_be_missing, verified_layer
from slimml.progress import Progress


@dataclass(frozen=True)
class Stored:
    """An image whose blobs are in a store. `image` has an OCI manifest and knows every size; the rest is bytes."""

    image: Image
    written_bytes: int
    reused_bytes: int


def store_image(image: Image, store: BlobStore, limits: Limits, progress: Progress) -> Stored:
    """Put layers, config and manifest of `image` into `store`, as an OCI image.

    Raises InvalidImage, LimitExceeded, and what opening the image's blobs raises.
    """
    written = reused = 0
    sizes: dict[Digest, int] = {}
    sources = {(layer.descriptor.digest, layer.diff_id): layer for layer in image.layers}
    known = all(layer.descriptor.size != UNKNOWN_SIZE for layer in image.layers)
    total = sum(layer.descriptor.size for layer in sources.values()) if known else None
    with progress.task("writing layers", total) as task:
        for layer in sources.values():
            size, new = _store_layer(layer, store, limits, task.advance)
            sizes[layer.descriptor.digest] = size
            written, reused = (written + size, reused) if new else (written, reused + size)
    image = as_oci(image, sizes)
    for descriptor, raw in ((image.manifest.config, image.config.raw), (image.manifest.descriptor, image.manifest.raw)):
        new = not store.has(descriptor)
        store.put_bytes(descriptor, raw)
        written, reused = (written + len(raw), reused) if new else (written, reused + len(raw))
    return Stored(image, written, reused)


def _store_layer(layer: Layer, store: BlobStore, limits: Limits, advance: Callable[[int], None]) -> tuple[int, bool]:
    """The bytes of the layer, and whether they are new to the store."""
    if store.has(layer.descriptor):
        try:
            return drain(verified_layer(replace(layer, blobs=store), limits), advance), False
        except InvalidImage:
            # Damaged there, or wrong from the start: copying the source anew mends the one and tells the other.
            pass
    try:
        linked = _link(layer, store, limits, advance)
        return linked or _copy(layer, store, limits, advance), True
    except NotFound:
        if may_be_missing(layer):
            return 0, False
        raise


def _link(layer: Layer, store: BlobStore, limits: Limits, advance: Callable[[int], None]) -> int:
    if not isinstance(layer.blobs, BlobStore):
        return 0
    with layer.blobs.open_blob(layer.descriptor) as source:
        if not store.can_link(source):
            return 0
        size = drain(verified_layer(layer, limits, source.again()), advance)
        return size if store.link(layer.descriptor, source) else 0


def _copy(layer: Layer, store: BlobStore, limits: Limits, advance: Callable[[int], None]) -> int:
    return store.keep(layer.descriptor, verified_layer(layer, limits), advance).size
