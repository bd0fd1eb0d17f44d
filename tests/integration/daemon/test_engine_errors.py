"""What a user is told when an engine is away, refuses, or lacks the image."""

import hashlib
import json
import os
import socket
from pathlib import Path

import pytest
from tiny_image import tiny

from slimml.errors import AccessDenied, InvalidImage, NotFound, Unavailable, UsageError
from slimml.oci.places.daemon import open_image, write_image
from slimml.oci.places.daemon.api import address
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access

ANY = parse_reference("docker-daemon:motley:1")


@pytest.fixture
def no_usual_sockets(monkeypatch):
    monkeypatch.setattr(address, "usual_sockets", list)


@pytest.fixture
def as_nobody():
    """The rest of the test runs without root's rights."""
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_an_unknown_image_is_not_found(engine):
    with pytest.raises(NotFound, match=r"missing:1 is not at unix://"):
        open_image(parse_reference("docker-daemon:missing:1"), engine.access())


def test_an_engine_that_is_not_running_is_named_with_the_way_out(tmp_path):
    with pytest.raises(Unavailable, match=rf"no engine answers at unix://{tmp_path}/no\.sock .*DOCKER_HOST"):
        open_image(ANY, Access(engine=f"unix://{tmp_path}/no.sock"))


def test_a_socket_that_nobody_listens_on_is_unavailable(tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left.sock"))
    with pytest.raises(Unavailable, match="refused"):
        write_image(tiny({"x": b""}), ANY, Access(engine=f"unix://{tmp_path}/left.sock"))


def test_no_engine_at_all_is_unavailable(no_usual_sockets):
    with pytest.raises(Unavailable, match="no container engine is running"):
        open_image(ANY)


def test_without_permission_the_docker_group_is_told_of(docker, as_nobody):
    with pytest.raises(AccessDenied, match="`docker` group"):
        open_image(ANY, docker.access())


def test_docker_host_is_asked(docker, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", docker.api.url)
    assert open_image(ANY).config.digest == docker.api.image_id("motley:1")


def test_access_goes_before_docker_host(docker, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    assert open_image(ANY, docker.access()).config.digest == docker.api.image_id("motley:1")


def write_context(directory: Path, name: str, meta: str) -> None:
    (directory / "config.json").write_text(json.dumps({"currentContext": name}))
    where = directory / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    where.mkdir(parents=True)
    (where / "meta.json").write_text(meta)


def test_the_current_docker_context_is_asked(docker, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    meta = {"Name": "mine", "Endpoints": {"docker": {"Host": docker.api.url}}}
    write_context(tmp_path, "mine", json.dumps(meta))
    assert open_image(ANY).config.digest == docker.api.image_id("motley:1")


def test_a_missing_docker_context_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(NotFound, match="context 'gone' does not exist"):
        open_image(ANY)


def test_a_context_without_an_endpoint_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    write_context(tmp_path, "odd", "[]")
    with pytest.raises(InvalidImage, match="names no Docker endpoint"):
        open_image(ANY)


@pytest.mark.parametrize("said", ["docker.sock", "file:///x", "unix://", "tcp://"])
def test_what_is_no_address_is_a_usage_error(said):
    with pytest.raises(UsageError, match="no engine's address"):
        open_image(ANY, Access(engine=said))


def test_the_second_engine_is_asked_for_what_the_first_lacks(docker, podman, monkeypatch):
    write_image(tiny({"only": b"podman"}), parse_reference("docker-daemon:only-podman:1"), podman.access())
    sockets = [docker.api.socket_path, podman.api.socket_path]
    monkeypatch.setattr(address, "usual_sockets", lambda: sockets)
    found = open_image(parse_reference("docker-daemon:only-podman:1"))
    assert found.config.digest == podman.api.image_id("only-podman:1")


def test_a_stopped_engine_does_not_hide_the_next(docker, monkeypatch, tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left.sock"))
    sockets = [str(tmp_path / "left.sock"), docker.api.socket_path]
    monkeypatch.setattr(address, "usual_sockets", lambda: sockets)
    assert open_image(ANY).config.digest == docker.api.image_id("motley:1")
