"""Encoding and validating a large layer takes the memory of one of a few megabytes."""

import json
import random
import subprocess
import sys
import tarfile

import pytest

PROGRAM = """
import json, re, sys
from pathlib import Path
from slimml.oci.blobs import BlobStore
from slimml.oci.lazy.encode import Wish, lazy_image
from slimml.oci.lazy.formats import LazyFormat
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image
from slimml.oci.validate import validate
source, place, wanted = sys.argv[1:]
made = lazy_image(open_image(parse_reference(source)), Wish(LazyFormat(wanted), threads=2), BlobStore(place)).image
problems = validate(made).problems
# Not getrusage(2): its peak is that of whoever forked this process, too.
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(json.dumps([int(peak), len(problems)]))
"""
MEGABYTES = 300


class _Pattern:
    """Content that compresses somewhat, without lying in memory."""

    def __init__(self, size):
        self._left, self._chance = size, random.Random(1)

    def read(self, count):
        count = min(count, self._left)
        self._left -= count
        return b"".join(self._chance.randbytes(64) * 16 for _ in range(-(-count // 1024)))[:count]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """An image with one large file, as an archive that `slimml copy` would read."""
    from slimml.oci.blobs import BlobStore
    from slimml.oci.codec import Encoding, compressor
    from slimml.oci.config import parse_config
    from slimml.oci.descriptor import Descriptor
    from slimml.oci.digest import sha256
    from slimml.oci.image import assemble
    from slimml.oci.manifest import build_manifest
    from slimml.oci.media_types import OCI_CONFIG, OCI_LAYER
    from slimml.oci.reference import parse_reference
    from slimml.oci.transfer import write_image

    place = tmp_path_factory.mktemp("large")
    with open(place / "tar", "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("weights")
        member.size = MEGABYTES << 20
        archive.addfile(member, _Pattern(member.size))
    store, packing = BlobStore(place / "blobs"), compressor(Encoding())
    with open(place / "tar", "rb") as tar, store.writer() as plain, store.writer() as blob:
        while piece := tar.read(1 << 20):
            plain.write(piece)
            blob.write(packing.compress(piece))
        blob.write(packing.finish())
        diff_id, layer = plain.digest, blob.commit(f"{OCI_LAYER}+gzip")
    (place / "tar").unlink()
    rootfs = {"type": "layers", "diff_ids": [diff_id]}
    raw = json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}).encode()
    manifest = build_manifest(config=Descriptor(OCI_CONFIG, sha256(raw), len(raw)), layers=[layer])
    reference = f"oci:{place}/image:1"
    write_image(assemble(parse_reference(reference), manifest, parse_config(raw), store), parse_reference(reference))
    return reference


@pytest.mark.parametrize("wanted", ["estargz", "zstd-chunked"])
def test_memory_does_not_grow_with_the_layer(source, tmp_path, wanted):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, source, str(tmp_path), wanted], capture_output=True, text=True, check=True
    )
    kibibytes, problems = json.loads(done.stdout)
    assert problems == 0
    assert kibibytes < 150 << 10
