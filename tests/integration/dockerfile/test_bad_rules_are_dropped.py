"""`slimml dockerfile build` on a real engine: what works is kept, a base that breaks the image is dropped by itself."""

import json
import os
import subprocess
import sys

import pytest
from busybox_image import busybox_image
from engines import engine_directory, need, running_dockerd

from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, write_image

RECIPE = """\
FROM {base}
# unpacked, and removed a layer too late
RUN dd if=/dev/zero of=/data.tar bs=1000000 count=30 && cp /data.tar /data
RUN rm /data.tar
CMD cat /etc/needed /hello
"""
BASES = """\
[[base]]
image = "box"
tag = "full"
system = "debian"
clean = true
[[base.smaller]]
to = "{to}"
saves = 20
"""
PROBES = """\
[[batch]]
name = "the image's own command"
"""


@pytest.fixture(scope="module")
def engine():
    """The socket of a Docker with `box:full`, `box:lacking` (without a file that is read) and `box:same`."""
    need("docker", "busybox")
    with engine_directory() as directory, running_dockerd(directory) as socket:
        host = f"unix://{socket}"
        write_image(busybox_image({"Cmd": ["sh"]}), parse_reference("docker-daemon:box:lacking"), Access(engine=host))
        for name, more in (("same", "true"), ("full", "dd if=/dev/zero of=/ballast bs=1000000 count=20")):
            text = f"FROM box:lacking\nRUN echo needed > /etc/needed && echo hello > /hello && {more}\n"
            command = ["docker", "build", "--network", "none", "-t", f"box:{name}", "-"]
            environment = os.environ | {"DOCKER_HOST": host, "DOCKER_BUILDKIT": "0"}
            subprocess.run(command, input=text.encode(), env=environment, check=True, capture_output=True)
        yield host


@pytest.fixture
def built(engine, tmp_path):
    """Build with a base that the table proposes; the document that was printed, and the Dockerfile that was written."""

    def build(to):
        for name, text in (("Dockerfile", RECIPE.format(base="box:full")), ("bases.toml", BASES.format(to=to)),
                           ("probes.toml", PROBES)):  # fmt: skip
            (tmp_path / name).write_text(text)
        command = [sys.executable, "-m", "slimml", "dockerfile", "build", "Dockerfile", ".", "--bases", "bases.toml"]
        command += ["--network", "none", "--probes", "probes.toml", "--engine", engine, "--runtime", "docker", "--json"]
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout), (tmp_path / "Dockerfile.slim").read_text()

    return build


def images(engine):
    told = subprocess.run(["docker", "images", "--format", "{{.Repository}}"], env=os.environ | {"DOCKER_HOST": engine},
                          capture_output=True, text=True, check=True)  # fmt: skip
    return told.stdout.split()


@pytest.mark.timeout(240)
def test_rules_that_work_are_kept_and_proven(built):
    found, text = built("same")
    assert found["dropped"] == []
    assert found["verified"] == ["the image's own command"]
    assert text.startswith("FROM box:same\n")
    assert found["before_bytes"] - found["after_bytes"] > 45_000_000


@pytest.mark.timeout(240)
def test_a_base_whose_image_answers_otherwise_is_dropped_alone(built):
    found, text = built("lacking")
    assert [one["rule"] for one in found["dropped"]] == ["slim-base"]
    assert "answers otherwise" in found["dropped"][0]["why"]
    assert text.startswith("FROM box:full\n")
    assert "&& \\\n    rm /data.tar\n" in text


@pytest.mark.timeout(240)
def test_a_base_that_does_not_build_is_dropped_alone(built):
    found, _ = built("nowhere")
    assert [one["rule"] for one in found["dropped"]] == ["slim-base"]
    assert "does not build" in found["dropped"][0]["why"]
    assert "removed-later" in {one["rule"] for one in found["fix"]["applied"]}


@pytest.mark.timeout(240)
def test_nothing_of_the_trials_is_left_in_the_engine(built, engine):
    built("lacking")
    assert not [name for name in images(engine) if name.startswith("slimml-build/")]


@pytest.mark.timeout(240)
def test_optimize_takes_a_dockerfile(engine, tmp_path):
    (tmp_path / "Dockerfile").write_text(RECIPE.format(base="box:full"))
    (tmp_path / "probes.toml").write_text(PROBES)
    command = [sys.executable, "-m", "slimml", "optimize", "--dockerfile", "Dockerfile", ".", "--probes", "probes.toml"]
    command += ["--engine", engine, "--runtime", "docker", "--tag", "box:slim"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "verified: both images answer 1 probes the same" in ended.stdout
    assert "box" in images(engine)
