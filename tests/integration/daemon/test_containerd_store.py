"""Images in a content store that a real containerd filled."""

import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines import engine_directory, running_containerd
from tiny_image import put_layout, tiny

from slimml.errors import InvalidImage, NotFound
from slimml.oci.blobs import BlobStore
from slimml.oci.digest import Digest, hex_of
from slimml.oci.media_types import Compression
from slimml.oci.places.daemon.api.ask import Inspected
from slimml.oci.places.daemon.store.containerd import content_store_image, content_stores, image_in_store
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access
from slimml.oci.verified_layer import verified_layer

REFERENCE = parse_reference("docker-daemon:tiny:1")
IMAGE = tiny({"a": b"1" * 10_000}, {"b": b"2"}, compression=Compression.GZIP)


@pytest.fixture(scope="module")
def docker_root() -> Iterator[Path]:
    """A directory as Docker's root is when it keeps images in its own containerd, with IMAGE in it."""
    with engine_directory() as directory:
        root = directory / "docker"
        (directory / "work").mkdir()
        with running_containerd(directory / "work", root=root / "containerd" / "daemon") as socket_path:
            layout = put_layout(directory / "layout", IMAGE)
            archive = directory / "image.tar"
            with tarfile.open(archive, "w") as out:
                out.add(layout, arcname=".")
            importing = ["ctr", "--address", socket_path, "images", "import", "--no-unpack", "--base-name=tiny"]
            subprocess.run([*importing, str(archive)], check=True, stdout=subprocess.DEVNULL)
        yield root


def found(digest: Digest = IMAGE.manifest.digest) -> Inspected:
    return Inspected(digest, IMAGE.config.diff_ids, "overlayfs", None)


def test_the_image_has_the_manifest_that_its_id_names(docker_root):
    image = content_store_image(str(docker_root), found(), REFERENCE, Access())
    assert image.manifest.raw == IMAGE.manifest.raw


def test_the_layers_open_compressed_as_they_were(docker_root):
    image = content_store_image(str(docker_root), found(), REFERENCE, Access())
    for layer in image.layers:
        with verified_layer(layer) as stream:
            assert stream.read() == IMAGE.layers[0].blobs.content[layer.descriptor.digest]


def test_an_image_that_is_not_there_is_not_found(docker_root):
    with pytest.raises(NotFound):
        content_store_image(str(docker_root), found(Digest("sha256:" + "0" * 64)), REFERENCE, Access())


def copied_store(docker_root: Path, tmp_path: Path) -> Path:
    """The store's blobs, copied so that a test may change them."""
    subprocess.run(["cp", "-a", content_stores(str(docker_root))[0], str(tmp_path / "blobs")], check=True)
    return tmp_path / "blobs"


def test_an_image_whose_layer_was_not_fetched_is_not_found(docker_root, tmp_path):
    blobs = copied_store(docker_root, tmp_path)
    os.unlink(blobs / "sha256" / hex_of(IMAGE.layers[1].descriptor.digest))
    with pytest.raises(NotFound, match="is not in"):
        image_in_store(BlobStore(blobs), found(), REFERENCE, Access())


def test_a_blob_that_is_a_link_is_not_followed(docker_root, tmp_path):
    blobs = copied_store(docker_root, tmp_path)
    manifest = blobs / "sha256" / hex_of(IMAGE.manifest.digest)
    manifest.rename(tmp_path / "elsewhere")
    manifest.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidImage, match="symbolic link"):
        image_in_store(BlobStore(blobs), found(), REFERENCE, Access())
