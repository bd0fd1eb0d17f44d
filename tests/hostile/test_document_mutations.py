"""Ten thousand damaged JSON documents end in one of our errors, or in an image; never in another exception."""

import json
import random

import pytest
from mutations import damaged
from tiny_image import MEMORY, tiny

from slimml.errors import SlimmlError
from slimml.oci.config import parse_config
from slimml.oci.image import assemble
from slimml.oci.limits import DEFAULT_LIMITS
from slimml.oci.manifest import Manifest, parse_document
from slimml.oci.places import layout_index
from slimml.oci.platform import parse_platform
from slimml.oci.resolve import image_of

INPUTS = 3_400
"""for each of three documents"""

IMAGE = tiny({"a": b"1"}, {"b": b"2"})
INDEX = {
    "schemaVersion": 2,
    "manifests": [
        IMAGE.manifest.descriptor.to_json()
        | {"annotations": {layout_index.REF_NAME: name}, "platform": {"os": "linux", "architecture": "amd64"}}
        for name in ("tag", "other")
    ],
}


def read_index(raw):
    index = layout_index.parse_index(raw, "index", DEFAULT_LIMITS)
    layout_index.with_entry(raw, layout_index.entry_of(IMAGE.manifest.descriptor, "new"), "index", DEFAULT_LIMITS)
    layout_index.choose(index, MEMORY, parse_platform("linux/amd64"))


def read_manifest(raw):
    manifest = parse_document(raw, None, "manifest")
    if isinstance(manifest, Manifest):
        image_of(MEMORY, manifest, IMAGE.layers[0].blobs, DEFAULT_LIMITS)


def read_config(raw):
    image = assemble(MEMORY, IMAGE.manifest, parse_config(raw), IMAGE.layers[0].blobs)
    return [image.config.labels, image.config.layer_history, image.config.digest, str(image.config.platform)]


@pytest.mark.parametrize(
    ("document", "read"),
    [(INDEX, read_index), (json.loads(IMAGE.manifest.raw), read_manifest), (json.loads(IMAGE.config.raw), read_config)],
    ids=["index", "manifest", "config"],
)
def test_damaged_documents_end_in_our_errors(document, read):
    chance = random.Random(20)
    refused = 0
    for _ in range(INPUTS):
        try:
            read(damaged(document, chance))
        except SlimmlError:
            refused += 1
    assert INPUTS / 10 < refused < INPUTS
