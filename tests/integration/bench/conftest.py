"""Engines of the tests' own that pull, and registries for them."""

import random
from pathlib import Path

import pytest
from empty_engines import daemon, docker, podman
from engines import EngineApi, need

from slimml.bench.pullers import OwnPuller, puller_of
from slimml.engine.choose import find_engine
from slimml.engine.daemon import open_daemon
from slimml.oci.blobs import BlobStore
from slimml.oci.places.daemon.api.address import Address
from slimml.oci.transfer import Access

__all__ = ["daemon", "docker", "podman"]


@pytest.fixture
def access(daemon: EngineApi) -> Access:
    return Access(engine=daemon.url)


@pytest.fixture
def puller(daemon: EngineApi, access: Access, tmp_path: Path):
    """The daemon as bench pulls with it."""
    return puller_of(open_daemon(Address(daemon.url), access), tmp_path, access)


@pytest.fixture
def own_puller(tmp_path: Path) -> OwnPuller:
    """slimml itself, where there is no daemon."""
    need("runc")
    access = Access()
    return OwnPuller(find_engine("runc", access), tmp_path / "pulled", access)


@pytest.fixture
def work(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "work")


@pytest.fixture
def noise():
    """Bytes that do not compress, the same each time."""
    return lambda count, seed=1: random.Random(seed).randbytes(count)
