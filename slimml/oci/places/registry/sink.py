"""Writing an image to a registry: its blobs first, its manifest last, so that a tag never names half an image."""

from collections.abc import Callable
from functools import partial
from io import BytesIO

from slimml.errors import InvalidImage, Refused
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest, short
from slimml.oci.formats import as_oci
from slimml.oci.image import Image, Layer, Stream
from slimml.oci.limits import Limits
from slimml.oci.manifest import Manifest
from slimml.oci.places.registry.client import Client
from slimml.oci.places.registry.patience import PATIENCE, Patience
from slimml.oci.places.registry.repository import Repository
from slimml.oci.places.registry.upload import Pushed, push_blob
from slimml.oci.reference import Reference, Transport
from slimml.oci.transfer import Access, Receipt
from slimml.oci.verified_layer import may_be_missing, verified_layer
from slimml.oci.verify import verified
from slimml.progress import SILENT, Progress


def write_image(
    image: Image, reference: Reference, access: Access, progress: Progress = SILENT, patience: Patience = PATIENCE
) -> Receipt:
    """Push `image`; blobs that are there are not sent, those of another repository of the registry are mounted.

    What is sent is verified, diff IDs included; the manifest keeps its bytes, unless sizes were unknown.
    Non-distributable layers that have `urls` stay where they are. A tag that exists is moved by the last request.
    Raises InvalidImage, Refused (another digest was asked for), AccessDenied, Unavailable.
    """
    assert reference.name
    unknown = any(layer.descriptor.size == UNKNOWN_SIZE for layer in image.layers)
    if not unknown:
        _check_wanted(image.manifest, reference)
    repository = Repository(Client(reference.name, access, patience))
    mount_from = _mount_from(image, reference)
    blobs = _blobs(image, access.limits)
    pushed: dict[Digest, Pushed] = {}
    with progress.task(f"pushing {reference}", None if unknown else sum(blob.size for blob, _ in blobs)) as task:
        for descriptor, open_verified in blobs:
            pushed[descriptor.digest] = push_blob(repository, descriptor, open_verified, mount_from, task.advance)
    if unknown:
        image = as_oci(image, {digest: blob.size for digest, blob in pushed.items()})
        _check_wanted(image.manifest, reference)
    manifest = image.manifest
    repository.put_document(manifest.raw, manifest.media_type, reference.name.tag or reference.name.selector)
    written = sum(blob.size for blob in pushed.values() if not blob.reused)
    reused = sum(blob.size for blob in pushed.values() if blob.reused)
    return Receipt(reference, manifest.digest, written + len(manifest.raw), reused)


def _blobs(image: Image, limits: Limits) -> list[tuple[Descriptor, Callable[[], Stream]]]:
    """Each blob to push, once, and how to open it verified; raises InvalidImage for one blob with two diff IDs."""
    layers: dict[Digest, Layer] = {}
    for layer in image.layers:
        digest = layer.descriptor.digest
        if layers.setdefault(digest, layer).diff_id != layer.diff_id:
            raise InvalidImage(f"{image.reference}: the config has two diff IDs for the layer {short(digest)}")
    config = image.manifest.config
    found: list[tuple[Descriptor, Callable[[], Stream]]] = [
        (layer.descriptor, partial(verified_layer, layer, limits))
        for layer in layers.values()
        if not may_be_missing(layer)
    ]
    return [*found, (config, lambda: verified(_Bytes(image.config.raw), config))]


class _Bytes(BytesIO):
    def __exit__(self, *exc: object) -> None:
        self.close()


def _check_wanted(manifest: Manifest, reference: Reference) -> None:
    wanted = reference.name.digest if reference.name else None
    if wanted and wanted != manifest.digest:
        raise Refused(f"{reference}: the image that would be written there is {manifest.digest}; name it by a tag")


def _mount_from(image: Image, destination: Reference) -> str | None:
    source, target = image.reference, destination.name
    if source.transport is not Transport.REGISTRY or not source.name or not target:
        return None
    same = source.name.registry == target.registry and source.name.repository != target.repository
    return source.name.repository if same else None
