"""Podman and Buildah really build, from the directory itself, with the Dockerfile and .dockerignore they are given."""

import json
import subprocess

import pytest
from engines import need

from slimml.dockerfile.context import BuildContext
from slimml.errors import Unavailable
from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image
from slimml.slim.dockerfiles.programs import Builder, BuildFailed

RECIPE = b"FROM scratch\nCOPY . /app/\nENV A=B\n"
STORAGE = """\
[storage]
driver = "vfs"
graphroot = "{place}/graph"
runroot = "{place}/run"
"""


@pytest.fixture(params=["podman", "buildah"])
def builder(request, tmp_path_factory, monkeypatch):
    """A builder with a storage of its own."""
    need(request.param, "buildah")
    place = tmp_path_factory.mktemp("storage")
    place.joinpath("storage.conf").write_text(STORAGE.format(place=place))
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(place / "storage.conf"))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)  # names a file that is not there, which Buildah refuses
    yield Builder(request.param)
    subprocess.run(["buildah", "rmi", "--all", "--force"], check=False, capture_output=True)


@pytest.fixture
def directory(tmp_path):
    context = tmp_path / "context"
    (context / "data").mkdir(parents=True)
    for path, text in (("main.py", "print()"), ("data/big.bin", "big"), ("data/small.txt", "small")):
        (context / path).write_text(text)
    (context / ".dockerignore").write_text("nothing\n")
    (context / "Dockerfile").write_text("FROM wrong\n")
    return context


def built(builder, context, tmp_path):
    """Paths and environment of the image that a builder makes of the recipe."""
    builder.build(RECIPE, context, "localhost/slimml-test:built")
    subprocess.run(
        ["buildah", "push", "-q", "localhost/slimml-test:built", f"oci:{tmp_path}/out:x"],
        check=True,
    )
    image = open_image(parse_reference(f"oci:{tmp_path}/out:x"))
    return set(take_inventory(image).live), json.loads(image.config.raw)["config"]["Env"]


def test_the_dockerfile_is_the_one_given_and_not_the_directorys(builder, directory, tmp_path):
    _, environment = built(builder, BuildContext(directory), tmp_path)
    assert "A=B" in environment


def test_the_directory_is_copied(builder, directory, tmp_path):
    paths, _ = built(builder, BuildContext(directory), tmp_path)
    assert {"app/main.py", "app/data/big.bin", "app/data/small.txt"} <= paths


def test_what_a_written_dockerignore_names_is_not_sent(builder, directory, tmp_path):
    context = BuildContext(directory, {".dockerignore": "data\n!data/small.txt\n"})
    paths, _ = built(builder, context, tmp_path)
    assert "app/data/small.txt" in paths
    assert "app/data/big.bin" not in paths


def test_the_directorys_own_dockerignore_stays_as_it_was(builder, directory, tmp_path):
    built(builder, BuildContext(directory, {".dockerignore": "data\n"}), tmp_path)
    assert (directory / ".dockerignore").read_text() == "nothing\n"


def test_a_file_that_rules_wrote_beside_is_refused(builder, directory):
    with pytest.raises(Unavailable, match=r"builds from the directory itself, which has no requirements\.lock"):
        builder.build(RECIPE, BuildContext(directory, {"requirements.lock": "x"}), "localhost/slimml-test:none")


def test_what_does_not_build_ends_with_the_builders_words(builder, directory):
    with pytest.raises(BuildFailed, match=f"{builder.program} build ends with"):
        builder.build(b"FROM scratch\nCOPY missing /\n", BuildContext(directory), "localhost/slimml-test:none")
