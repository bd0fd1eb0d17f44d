"""Images in containerd's content store, which Docker keeps them in from 23 (chosen) and 29 (always) on.

Blobs lie there as a registry gave them, compressed, named by digest; an image's ID is its manifest's or index's.
"""

from dataclasses import replace

from slimml.errors import NotFound
from slimml.oci.blobs import BlobStore
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.image import Image
from slimml.oci.places.daemon.api.ask import Inspected
from slimml.oci.reference import Reference
from slimml.oci.resolve import image_of, resolve
from slimml.oci.transfer import Access

_STORE = "io.containerd.content.v1.content/blobs"


def content_stores(docker_root: str) -> tuple[str, ...]:
    """Where the store may be: of the containerd that Docker runs for itself, or of the host's own."""
    return (f"{docker_root}/containerd/daemon/{_STORE}", f"/var/lib/containerd/{_STORE}")


def content_store_image(root: str, found: Inspected, reference: Reference, access: Access) -> Image:
    """The image out of a content store; raises NotFound unless all its layers are there, AccessDenied, InvalidImage."""
    for path in content_stores(root):
        try:
            return image_in_store(BlobStore(path), found, reference, access)
        except NotFound:
            continue
    raise NotFound(f"{found.id} is in none of containerd's content stores")


def image_in_store(store: BlobStore, found: Inspected, reference: Reference, access: Access) -> Image:
    """The image whose manifest or index `found.id` names; an index gives the one for the platform asked for."""
    what = str(reference)
    named = Descriptor("", found.id, UNKNOWN_SIZE)
    manifest = resolve(store, named, access.platform, what, access.limits)
    image = image_of(reference, manifest, store, access.limits)
    for layer in image.layers:
        if not store.has(layer.descriptor):
            raise NotFound(f"layer {layer.descriptor.digest} of {what} is not in {store.path}")
    return replace(image, reference=reference)
