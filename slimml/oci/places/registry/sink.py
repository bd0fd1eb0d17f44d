"""Writing an image to a registry: its blobs first, its manifest last, so that a tag never names half an image."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO

from slimml.errors import Refused
from slimml.oci import media_types
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest
from slimml.oci.image import Image, Stream
from slimml.oci.manifest import Manifest, build_manifest
from slimml.oci.places.registry.client import Client
from slimml.oci.places.registry.patience import PATIENCE, Patience
from slimml.oci.places.registry.repository import Repository
from slimml.oci.places.registry.upload import Pushed, push_blob
from slimml.oci.reference import Reference, Transport
from slimml.oci.transfer import Access, Receipt
from slimml.progress import SILENT, Progress


def write_image(
    image: Image, reference: Reference, access: Access, progress: Progress = SILENT, patience: Patience = PATIENCE
) -> Receipt:
    """Push `image`; blobs that are there are not sent, those of another repository of the registry are mounted.

    Non-distributable layers that have `urls` stay where they are. A tag that exists is moved by the last request.
    Raises InvalidImage, Refused (another digest was asked for), AccessDenied, Unavailable.
    """
    assert reference.name
    blobs = {
        layer.descriptor.digest: (layer.descriptor, layer.blobs)
        for layer in image.layers
        if not _stays(layer.descriptor)
    }
    config = image.manifest.config
    blobs[config.digest] = (config, _Held(image.config.raw))
    unknown = any(descriptor.size == UNKNOWN_SIZE for descriptor, _ in blobs.values())
    if not unknown:
        _check_wanted(image.manifest, reference)
    repository = Repository(Client(reference.name, access, patience))
    mount_from = _mount_from(image, reference)
    pushed: dict[Digest, Pushed] = {}
    total = None if unknown else sum(descriptor.size for descriptor, _ in blobs.values())
    with progress.task(f"pushing {reference}", total) as task:
        for digest, (descriptor, source) in blobs.items():
            pushed[digest] = push_blob(repository, descriptor, source, mount_from, task.advance)
    manifest = _with_sizes(image.manifest, pushed)
    _check_wanted(manifest, reference)
    repository.put_document(manifest.raw, manifest.media_type, reference.name.tag or reference.name.selector)
    written = sum(blob.size for blob in pushed.values() if not blob.reused)
    reused = sum(blob.size for blob in pushed.values() if blob.reused)
    return Receipt(reference, manifest.digest, written + len(manifest.raw), reused)


@dataclass(frozen=True)
class _Held:
    """A blob that is in memory."""

    data: bytes

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Stream:
        del descriptor
        return _Bytes(self.data[offset:])


class _Bytes(BytesIO):
    def __exit__(self, *exc: object) -> None:
        self.close()


def _check_wanted(manifest: Manifest, reference: Reference) -> None:
    wanted = reference.name.digest if reference.name else None
    if wanted and wanted != manifest.digest:
        raise Refused(f"{reference}: the image that would be written there is {manifest.digest}; name it by a tag")


def _stays(descriptor: Descriptor) -> bool:
    return media_types.is_foreign(descriptor.media_type) and bool(descriptor.urls)


def _mount_from(image: Image, destination: Reference) -> str | None:
    source, target = image.reference, destination.name
    if source.transport is not Transport.REGISTRY or not source.name or not target:
        return None
    same = source.name.registry == target.registry and source.name.repository != target.repository
    return source.name.repository if same else None


def _with_sizes(manifest: Manifest, pushed: Mapping[Digest, Pushed]) -> Manifest:
    """The manifest itself, unless layers have sizes that only reading them told."""
    if all(layer.size != UNKNOWN_SIZE for layer in manifest.layers):
        return manifest
    return build_manifest(
        config=manifest.config,
        layers=[replace(layer, size=pushed[layer.digest].size) for layer in manifest.layers],
        annotations=manifest.annotations,
        docker=manifest.media_type == media_types.DOCKER_MANIFEST,
    )
