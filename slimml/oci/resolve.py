"""From a descriptor to an image: through indexes, by platform, over verified documents (image-spec image-index.md)."""

from collections.abc import Sequence

from slimml.errors import LimitExceeded, Unsupported
from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.image import Blobs, Image, assemble
from slimml.oci.limits import Limits
from slimml.oci.manifest import Index, Manifest, parse_document
from slimml.oci.media_types import CONFIGS
from slimml.oci.platform import Platform
from slimml.oci.reference import Reference
from slimml.oci.verify import verified_bytes


def resolve(blobs: Blobs, descriptor: Descriptor, platform: Platform, what: str, limits: Limits) -> Manifest:
    """The manifest that `descriptor` leads to, for `platform` where there are several.

    Raises NotFound, InvalidImage, Unsupported, and LimitExceeded when indexes nest past `limits.index_depth`.
    """
    for _ in range(limits.index_depth + 1):
        raw = verified_bytes(blobs, descriptor, f"manifest {descriptor.digest} of {what}", limits)
        document = parse_document(raw, descriptor.media_type, f"manifest {descriptor.digest} of {what}", limits)
        if isinstance(document, Manifest):
            return document
        descriptor = document.choose(platform)
    raise LimitExceeded(f"{what}: an index leads to an index {limits.index_depth} times over", "index_depth")


def image_of(reference: Reference, manifest: Manifest, blobs: Blobs, limits: Limits) -> Image:
    """The image of a manifest whose config and layers are in `blobs`; the config is verified.

    Raises Unsupported for an artifact that is no image, InvalidImage, LimitExceeded, NotFound.
    """
    if manifest.config.media_type not in CONFIGS:
        kind = manifest.artifact_type or manifest.config.media_type
        raise Unsupported(f"{reference} is an artifact of type {kind[:120]!r}, not a container image")
    raw = verified_bytes(blobs, manifest.config, f"the config of {reference}", limits)
    return assemble(reference, manifest, parse_config(raw, f"the config of {reference}", limits), blobs)


def images_among(index: Index) -> Sequence[Descriptor]:
    """The entries that may be images: neither attestations nor artifacts that say so."""
    return [
        found
        for found in index.manifests
        if found.artifact_type is None and "vnd.docker.reference.type" not in found.annotations
    ]
