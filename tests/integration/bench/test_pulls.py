"""Cold pulls by real engines out of a real registry: measured, compared, and nothing of them left."""

import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress

import pytest
from engines import EngineApi, missing
from tiny_image import tiny

from slimml.bench.pull import measure_pull, ready_to_pull
from slimml.bench.registry import PROGRAMS, named_registry, own_registry
from slimml.bench.results import ImageFacts
from slimml.bench.rounds import Turn
from slimml.bench.salted import saltable
from slimml.bench.shaping import Link, parse_link
from slimml.errors import InvalidImage, SlimmlError, Unsupported
from slimml.oci.digest import Digest
from slimml.oci.media_types import Compression
from slimml.oci.transfer import Access

FACTS = ImageFacts("test:1", "sha256:0")
TURN = Turn(FACTS, 0, warm_up=False)
COUNTED = Turn(FACTS, 0, warm_up=True)
LOOPBACK = Link("loopback")
FAST = parse_link("10gbit")


@pytest.fixture(autouse=True)
def _with_a_registry():
    if not any(map(shutil.which, PROGRAMS)):
        missing("docker-registry is not installed")


@pytest.fixture
def image(noise):
    return tiny({"a": noise(300_000)}, {"b/c": noise(200_000, 2), "b/d": b"text\n" * 9000})


@contextmanager
def pulls_of(puller, work, *links, access=None):
    with own_registry(work) as registry, ready_to_pull(puller, registry, links, access or Access()) as pulls:
        yield pulls


def images_of(api: EngineApi):
    return api.call("GET", "/images/json?all=1")


def test_a_pull_fetches_every_byte(puller, work, image, daemon):
    whole = saltable(image, work)
    with pulls_of(puller, work, FAST) as pulls:
        found = measure_pull(pulls, whole, 1, FAST, TURN)
    assert found.counters["wire_bytes"] > found.counters["blob_bytes"] > 500_000


def test_every_round_is_cold(puller, work, image):
    whole = saltable(image, work)
    with pulls_of(puller, work, FAST) as pulls:
        found = [measure_pull(pulls, whole, blocks, FAST, TURN).counters for blocks in (1, 2, 3)]
    assert all(counters["wire_bytes"] > counters["blob_bytes"] for counters in found)


def test_a_pull_is_cold_though_the_engine_holds_the_image(puller, work, image, daemon):
    whole = saltable(image, work)
    with pulls_of(puller, work, FAST) as pulls:
        name = pulls.registry.name("held", "1")
        from slimml.bench.publish import publish

        publish(image, name, pulls.access)
        puller.pull(name)
        found = measure_pull(pulls, whole, 1, FAST, TURN)
        puller.remove(name)
    assert found.counters["wire_bytes"] > found.counters["blob_bytes"]


def test_nothing_of_a_pull_stays_in_the_engine(puller, work, image, daemon):
    before = images_of(daemon)
    with pulls_of(puller, work, LOOPBACK) as pulls:
        measure_pull(pulls, saltable(image, work), 1, LOOPBACK, TURN)
    assert images_of(daemon) == before


def test_nothing_of_a_pull_stays_in_our_registry(puller, work, image):
    with pulls_of(puller, work, LOOPBACK) as pulls:
        measure_pull(pulls, saltable(image, work), 1, LOOPBACK, TURN)
        kept = [path.stat().st_size for path in pulls.registry.storage.rglob("data")]
    assert max(kept, default=0) < 10_000


def test_requests_and_connections_are_counted(puller, work, image):
    with pulls_of(puller, work, FAST) as pulls:
        found = measure_pull(pulls, saltable(image, work), 1, FAST, TURN).counters
    # A manifest, a configuration and two layers at least.
    assert 4 <= found["requests"] <= 12


def test_without_a_proxy_only_the_warm_up_counts(puller, work, image):
    whole = saltable(image, work)
    with pulls_of(puller, work, LOOPBACK) as pulls:
        counted = [
            measure_pull(pulls, whole, n, LOOPBACK, turn).counters["wire_bytes"]
            for n, turn in ((1, COUNTED), (2, TURN))
        ]
    assert (counted[0] > 500_000, counted[1]) == (True, None)


def test_a_slow_link_takes_its_time(puller, work, image):
    link = parse_link("10mbit+10ms")
    with pulls_of(puller, work, link) as pulls:
        found = measure_pull(pulls, saltable(image, work), 1, link, TURN)
    assert found.seconds > found.counters["wire_bytes"] / link.rate


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.NONE])
def test_every_engine_takes_the_salt(puller, work, noise, compression):
    image = tiny({"a": noise(100_000)}, {"b": noise(50_000, 2)}, compression=compression)
    with pulls_of(puller, work, LOOPBACK) as pulls:
        assert measure_pull(pulls, saltable(image, work), 2048, LOOPBACK, TURN).seconds > 0


def test_an_engine_that_cannot_read_zstd_is_quoted_or_can(puller, work, noise, daemon):
    image = tiny({"a": noise(100_000)}, compression=Compression.ZSTD)
    before = images_of(daemon)
    with pulls_of(puller, work, LOOPBACK) as pulls, suppress(SlimmlError):
        measure_pull(pulls, saltable(image, work), 3, LOOPBACK, TURN)
    assert images_of(daemon) == before


def test_podman_reads_zstd(podman, work, noise, tmp_path):
    from slimml.bench.pullers import puller_of
    from slimml.engine.daemon import open_daemon
    from slimml.oci.places.daemon.api.address import Address

    access = Access(engine=podman.url)
    puller = puller_of(open_daemon(Address(podman.url), access), tmp_path, access)
    image = tiny({"a": noise(100_000)}, compression=Compression.ZSTD)
    with pulls_of(puller, work, FAST) as pulls:
        assert measure_pull(pulls, saltable(image, work), 3, FAST, TURN).counters["wire_bytes"] > 100_000


class Lying:
    """A puller whose engine says that it has other layers."""

    def __init__(self, puller):
        self._puller = puller

    def __getattr__(self, name):
        return getattr(self._puller, name)

    def diff_ids(self, name):
        return (*self._puller.diff_ids(name)[1:], Digest("sha256:" + "0" * 64))


def test_other_layers_than_were_pushed_are_no_result(puller, work, image, daemon):
    before = images_of(daemon)
    with pulls_of(Lying(puller), work, LOOPBACK) as pulls, pytest.raises(InvalidImage, match="other layers"):
        measure_pull(pulls, saltable(image, work), 1, LOOPBACK, TURN)
    assert images_of(daemon) == before


def test_a_registry_that_died_is_told_of_and_nothing_stays(puller, work, image, daemon):
    before = images_of(daemon)
    whole = saltable(image, work)
    with own_registry(work) as registry:
        pass
    with ready_to_pull(puller, registry, [LOOPBACK], Access()) as pulls, pytest.raises(SlimmlError):
        measure_pull(pulls, whole, 1, LOOPBACK, TURN)
    assert images_of(daemon) == before


def test_slimml_itself_pulls_where_there_is_no_daemon(own_puller, work, image, tmp_path):
    with pulls_of(own_puller, work, FAST) as pulls:
        found = measure_pull(pulls, saltable(image, work), 1, FAST, TURN)
    assert (found.counters["wire_bytes"] > 500_000, list((tmp_path / "pulled").iterdir())) == (True, [])


def test_a_registry_may_be_named(puller, work, image, registry):
    with ready_to_pull(puller, named_registry(f"{registry}/team"), [LOOPBACK], Access()) as pulls:
        found = measure_pull(pulls, saltable(image, work), 1, LOOPBACK, TURN)
    assert (found.seconds > 0, found.remarks) == (True, ())


def test_a_registry_elsewhere_is_as_far_away_as_it_is(puller, registry):
    with (
        pytest.raises(Unsupported, match="as far away"),
        ready_to_pull(puller, named_registry(registry), [FAST], Access()),
    ):
        pass


def test_an_engine_elsewhere_cannot_reach_our_registry(own_puller, work):
    own_puller.local = False
    with pytest.raises(Unsupported, match="--registry"), pulls_of(own_puller, work, LOOPBACK):
        pass


KILLED = """
import os, signal, sys
from slimml.bench.publish import publish
from slimml.bench.pull import ready_to_pull
from slimml.bench.pullers import puller_of
from slimml.bench.registry import own_registry
from slimml.bench.salted import salted, saltable
from slimml.bench.shaping import Link
from slimml.engine.daemon import open_daemon
from slimml.oci.blobs import BlobStore
from slimml.oci.places.daemon.api.address import Address
from slimml.oci.transfer import Access
sys.path.insert(0, sys.argv[3])
from tiny_image import tiny
access = Access(engine=sys.argv[1])
work = BlobStore(sys.argv[2])
puller = puller_of(open_daemon(Address(sys.argv[1]), access), None, access)
with own_registry(work) as registry, ready_to_pull(puller, registry, [Link("10ms", None, 0.01)], access) as pulls:
    copy = salted(saltable(tiny({"a": b"1" * 9000}), work), 5)
    name = registry.name(pulls.repository, "5", pulls.shapers["10ms"].address)
    publish(copy, registry.name(pulls.repository, "5"), access)
    puller.pull(name)
    print(registry.address, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(daemon, tmp_path):
    """What a run that was killed just after a pull said: the address of its registry."""
    import tiny_image

    support = tiny_image.__file__.rpartition("/")[0]
    words = [sys.executable, "-c", KILLED, daemon.url, str(tmp_path / "killed"), support]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    assert said.returncode == -9, said.stderr
    return said.stdout.strip()


def test_what_a_killed_run_pulled_is_swept_by_the_next(killed, puller, work, daemon):
    assert b"slimml-bench" in images_of(daemon)
    with pulls_of(puller, work, LOOPBACK):
        assert b"slimml-bench" not in images_of(daemon)


def test_a_killed_run_leaves_no_registry(killed):
    import socket

    host, _, port = killed.rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
