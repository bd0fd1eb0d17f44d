"""Images from Docker's schema 2 to OCI: other media types, the same config and layers byte for byte."""

from dataclasses import replace

from slimml.oci.descriptor import Descriptor
from slimml.oci.image import Image, Layer
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


def as_oci(image: Image) -> Image:
    """The image with an OCI manifest, itself when it has one; readers of image layouts know no other."""
    manifest = image.manifest
    layers = tuple(replace(layer, descriptor=_oci_layer(layer.descriptor)) for layer in image.layers)
    if manifest.media_type == OCI_MANIFEST and layers == image.layers:
        return image
    return rebuilt(image, layers)


def rebuilt(image: Image, layers: tuple[Layer, ...]) -> Image:
    """The image with other descriptors for its layers, in an OCI manifest."""
    old = image.manifest
    manifest = build_manifest(
        config=replace(old.config, media_type=OCI_CONFIG),
        layers=[layer.descriptor for layer in layers],
        annotations=old.annotations,
        artifact_type=old.artifact_type,
        subject=old.subject,
    )
    return replace(image, manifest=manifest, layers=layers)


def sized(layer: Layer, size: int) -> Layer:
    """The layer, its size now known to be `size` bytes."""
    return replace(layer, descriptor=replace(layer.descriptor, size=size))


def _oci_layer(descriptor: Descriptor) -> Descriptor:
    for docker, oci in _PREFIXES:
        if descriptor.media_type.startswith(docker):
            suffix = descriptor.media_type[len(docker) :].replace(".", "+")
            return replace(descriptor, media_type=oci + suffix)
    return descriptor
