"""An image whose layers an engine hands out as plain tars: its manifest is put together from the config."""

from slimml.oci import documents
from slimml.oci.config import ImageConfig
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.image import Blobs, Image, Listing, assemble
from slimml.oci.manifest import Manifest
from slimml.oci.media_types import DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST
from slimml.oci.reference import Reference


def plain_image(reference: Reference, config: ImageConfig, blobs: Blobs, listing: Listing) -> Image:
    """The image of `config`. A layer's digest is its diff ID; its size is not known before it was read.

    The manifest exists nowhere but here: with sizes unknown, it cannot be written to any place as it is.
    """
    described = Descriptor(DOCKER_CONFIG, config.digest, len(config.raw))
    layers = tuple(Descriptor(DOCKER_LAYER, diff_id, UNKNOWN_SIZE) for diff_id in config.diff_ids)
    raw = documents.dump_canonical(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": described.to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
    )
    manifest = Manifest(raw, DOCKER_MANIFEST, described, layers, {}, None, None)
    return assemble(reference, manifest, config, blobs, listing)
