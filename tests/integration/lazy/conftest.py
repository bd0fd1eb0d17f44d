"""A registry to push to and pull from, and an empty directory for engines."""

import pytest
from engines import engine_directory, need

from slimml.bench.registry import own_registry
from slimml.oci.blobs import BlobStore
from slimml.oci.lazy.encode import Wish, lazy_image
from slimml.oci.lazy.formats import LazyFormat
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, write_image

INSECURE = Access(insecure=True)


@pytest.fixture
def registry(tmp_path):
    """The address of a registry."""
    need("docker-registry")
    with own_registry(BlobStore(tmp_path / "served")) as served:
        yield served.address


@pytest.fixture
def engines():
    """An empty directory for engines."""
    with engine_directory() as directory:
        yield directory


@pytest.fixture
def push(tmp_path, registry):
    """Writes an image into the registry, in a format if one is named; gives its name there."""

    def pushed(image, name, wanted=None, **wishes):
        if wanted is not None:
            wish = Wish(LazyFormat(wanted), **wishes)
            image = lazy_image(image, wish, BlobStore(tmp_path / "encoded")).image
        write_image(image, parse_reference(f"docker://{registry}/{name}"), INSECURE)
        return f"{registry}/{name}"

    return pushed
