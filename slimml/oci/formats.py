"""Images from Docker's schema 2 to OCI: other media types, the same config and layers byte for byte."""

from collections.abc import Mapping
from dataclasses import replace

from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest
from slimml.oci.image import Image
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import (
    DOCKER_FOREIGN_LAYER,
    DOCKER_LAYER,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_NONDISTRIBUTABLE,
    OCI_MANIFEST,
)

_PREFIXES = ((DOCKER_FOREIGN_LAYER, OCI_LAYER_NONDISTRIBUTABLE), (DOCKER_LAYER, OCI_LAYER))


def as_oci(image: Image, sizes: Mapping[Digest, int]) -> Image:
    """The image with an OCI manifest, itself when it has one; readers of image layouts know no other.

    `sizes` are the bytes of its layers' blobs by digest, for those whose descriptors do not tell.
    """
    old = image.manifest
    layers = tuple(replace(layer, descriptor=_oci_layer(layer.descriptor, sizes)) for layer in image.layers)
    if old.media_type == OCI_MANIFEST and layers == image.layers:
        return image
    manifest = build_manifest(
        config=replace(old.config, media_type=OCI_CONFIG),
        layers=[layer.descriptor for layer in layers],
        annotations=old.annotations,
        artifact_type=old.artifact_type,
        subject=old.subject,
    )
    return replace(image, manifest=manifest, layers=layers)


def _oci_layer(descriptor: Descriptor, sizes: Mapping[Digest, int]) -> Descriptor:
    if descriptor.size == UNKNOWN_SIZE:
        descriptor = replace(descriptor, size=sizes[descriptor.digest])
    for docker, oci in _PREFIXES:
        if descriptor.media_type.startswith(docker):
            suffix = descriptor.media_type[len(docker) :].replace(".", "+")
            return replace(descriptor, media_type=oci + suffix)
    return descriptor
