"""Cold pulls by a real containerd out of a real registry: measured, compared, and nothing of them left."""

import base64
import json
import os
import shutil
import subprocess
import sys

import pytest
from engines import engine_directory, missing, need, running_containerd
from tiny_image import tiny

from slimml.bench.pull import measure_pull, ready_to_pull
from slimml.bench.registry import PROGRAMS, named_registry, own_registry
from slimml.bench.results import ImageFacts
from slimml.bench.rounds import Turn
from slimml.bench.salted import saltable
from slimml.bench.shaping import parse_link
from slimml.engine.containerd import ContainerdPuller
from slimml.errors import NotFound, SlimmlError, Unavailable, Unsupported
from slimml.oci.media_types import Compression
from slimml.oci.reference import parse_name, parse_reference
from slimml.oci.transfer import Access, write_image

FAST = parse_link("10gbit")
TURN = Turn(ImageFacts("test:1", "sha256:0"), 0, warm_up=False)


@pytest.fixture(scope="session")
def containerd():
    need("containerd", "ctr", "runc")
    with engine_directory() as directory, running_containerd(directory) as address:
        yield address


@pytest.fixture
def puller(containerd, monkeypatch):
    if not any(map(shutil.which, PROGRAMS)):
        missing("docker-registry is not installed")
    monkeypatch.setenv("CONTAINERD_ADDRESS", containerd)
    return ContainerdPuller()


def left_in(address):
    """What containerd keeps in slimml's namespace: images, blobs, unpacked layers."""
    control = ["ctr", f"--address={address}", "--namespace=slimml"]
    kinds = ["images", "content", "snapshots"]
    told = [subprocess.run([*control, kind, "ls"], capture_output=True, text=True, check=True).stdout for kind in kinds]
    return [text.splitlines()[1:] for text in told]


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD, Compression.NONE])
def test_a_pull_fetches_every_byte_and_leaves_nothing(puller, containerd, work, noise, compression):
    image = tiny({"a": noise(300_000)}, {"b": noise(200_000, 2)}, compression=compression)
    with own_registry(work) as registry, ready_to_pull(puller, registry, [FAST], Access()) as pulls:
        found = measure_pull(pulls, saltable(image, work), 1, FAST, TURN)
    assert found.counters["wire_bytes"] > found.counters["blob_bytes"] > 500_000
    assert (found.engine.name, left_in(containerd)) == ("containerd", [[], [], []])


def test_its_version_is_told(puller):
    (said,) = [line for line in puller._version.partition("Server:")[2].splitlines() if "Version:" in line]
    assert said.endswith(puller.facts().version)


def test_an_image_that_is_not_there_is_told(puller, registry):
    name = parse_name(f"{registry}/nothing:1")
    with pytest.raises(SlimmlError, match="not found"):
        puller.pull(name)
    with pytest.raises(NotFound):
        puller.diff_ids(name)
    puller.remove(name)


def test_a_login_is_not_put_on_a_command_line(puller, registry, tmp_path, monkeypatch):
    login = base64.b64encode(b"user:secret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry: {"auth": login}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(Unsupported, match="login"):
        puller.pull(parse_name(f"{registry}/box:1"))


def test_where_there_is_no_containerd_it_says_so(monkeypatch, tmp_path):
    need("ctr")
    monkeypatch.setenv("CONTAINERD_ADDRESS", str(tmp_path / "socket"))
    with pytest.raises(Unavailable, match="CONTAINERD_ADDRESS"):
        ContainerdPuller()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="install containerd"):
        ContainerdPuller()


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from tiny_image import tiny
from slimml.bench.publish import publish
from slimml.bench.pull import ready_to_pull
from slimml.bench.registry import own_registry
from slimml.bench.salted import salted, saltable
from slimml.bench.shaping import Link
from slimml.engine.containerd import ContainerdPuller
from slimml.oci.blobs import BlobStore
from slimml.oci.transfer import Access
work, puller = BlobStore(sys.argv[1]), ContainerdPuller()
with own_registry(work) as registry, ready_to_pull(puller, registry, [Link("loopback")], Access()) as pulls:
    copy = salted(saltable(tiny({"a": b"1" * 9000}), work), 5)
    publish(copy, registry.name(pulls.repository, "5"), Access())
    puller.pull(registry.name(pulls.repository, "5"))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_left_goes_with_the_next(puller, containerd, work, registry, tmp_path):
    support = os.path.dirname(sys.modules[tiny.__module__].__file__)
    words = [sys.executable, "-c", KILLED, str(tmp_path / "killed"), support]
    assert subprocess.run(words, capture_output=True, check=False).returncode == -9
    assert left_in(containerd)[0] != []
    with ready_to_pull(puller, named_registry(registry), [], Access()):
        assert left_in(containerd) == [[], [], []]


def test_bench_pulls_with_it_without_any_engine(puller, tmp_path):
    image = f"oci:{tmp_path}/image:1"
    write_image(tiny({"a": b"1" * 9000}), parse_reference(image), Access())
    words = ["--measure=pull", "--pull-with=containerd", "--links=loopback", "--rounds=1", "--json"]
    ended = subprocess.run(
        [sys.executable, "-m", "slimml", "bench", image, *words], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    (setting,) = json.loads(ended.stdout)["summary"]["settings"]
    assert (setting["measure"], setting["link"]) == ("pull", "loopback")
