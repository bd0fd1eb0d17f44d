"""A registry's images cost little memory, and other tools read what slimml pushed."""

import hashlib
import json
import os
import shutil
import subprocess
import tracemalloc

import pytest

from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import sha256
from slimml.oci.image import assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import DOCKER_MANIFEST, OCI_CONFIG, OCI_LAYER
from slimml.oci.places.registry import open_image, write_image
from slimml.oci.reference import parse_reference
from slimml.oci.verify import verified

SIZE = 96 << 20
BOUND = 12 << 20


class Zeros:
    """A blob of SIZE zeros that is never in memory as a whole."""

    def __init__(self, left=SIZE):
        self.left = left

    def open_blob(self, descriptor, offset=0):
        return Zeros(SIZE - offset)

    def read(self, size=-1):
        piece = bytes(min(size, self.left))
        self.left -= len(piece)
        return piece

    def close(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


@pytest.fixture
def large():
    digest = hashlib.sha256()
    for _ in range(SIZE >> 20):
        digest.update(bytes(1 << 20))
    name = f"sha256:{digest.hexdigest()}"
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [name]}}).encode()
    described = Descriptor(OCI_CONFIG, sha256(config), len(config))
    manifest = build_manifest(config=described, layers=[Descriptor(OCI_LAYER, name, SIZE)])
    return assemble(parse_reference("oci:made"), manifest, parse_config(config), Zeros())


def test_push_and_pull_hold_a_small_part_of_a_layer(registry, large, named, access):
    tracemalloc.start()
    try:
        write_image(large, named(registry, "app:1"), access)
        layer = open_image(named(registry, "app:1"), access).layers[0]
        with verified(layer.open(), layer.descriptor) as stream:
            while stream.read(1 << 20):
                pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < BOUND


@pytest.fixture
def skopeo():
    if shutil.which("skopeo") is None:
        reason = "skopeo is not installed (Debian package skopeo)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return lambda *arguments: subprocess.run(["skopeo", *arguments], check=True, capture_output=True).stdout


def test_skopeo_inspects_what_was_pushed(registry, skopeo, make_image, named, access):
    image = make_image("a", "b")
    write_image(image, named(registry, "app:1"), access)
    seen = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{registry}/app:1"))
    assert (seen["Digest"], seen["Layers"]) == (
        image.manifest.digest,
        [layer.descriptor.digest for layer in image.layers],
    )


def test_a_docker_manifest_that_skopeo_wrote_is_opened(registry, skopeo, make_image, named, access):
    image = make_image("a")
    write_image(image, named(registry, "app:1"), access)
    insecure = ("--src-tls-verify=false", "--dest-tls-verify=false")
    skopeo("copy", *insecure, "--format", "v2s2", f"docker://{registry}/app:1", f"docker://{registry}/other:1")
    found = open_image(named(registry, "other:1"), access)
    assert (found.manifest.media_type, found.layers[0].diff_id) == (DOCKER_MANIFEST, image.layers[0].diff_id)
