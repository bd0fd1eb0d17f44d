"""Engines on other hosts: a real dockerd behind TLS on this one, and behind a program in the place of ssh."""

import hashlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from engines import EngineApi, engine_directory, missing, running_dockerd
from tiny_image import tiny

from slimml.errors import InvalidImage, NotFound, SlimmlError, Unavailable
from slimml.oci.places.daemon import open_image, write_image
from slimml.oci.places.daemon.api.connections import ssh_command
from slimml.oci.places.daemon.saved.layers import SavedLayers
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access
from slimml.oci.verified_layer import verified_layer

TINY = parse_reference("docker-daemon:tiny:1")


@dataclass(frozen=True)
class Secured:
    """An engine that listens on a unix socket and, for holders of the right keys, on `url`."""

    api: EngineApi
    url: str
    keys: Path


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    if shutil.which("openssl") is None:
        missing("openssl is not installed")
    with engine_directory() as directory:
        keys = directory / "keys"
        keys.mkdir()
        make_keys(keys)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        tls = [f"--tlscacert={keys}/ca.pem", f"--tlscert={keys}/cert.pem", f"--tlskey={keys}/key.pem", "--tlsverify"]
        with running_dockerd(directory, f"--host=tcp://127.0.0.1:{port}", *tls) as socket_path:
            yield Secured(EngineApi(socket_path), f"tcp://127.0.0.1:{port}", keys)


def make_keys(directory: Path) -> None:
    """One self-signed certificate that is authority, server and client at once."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    usage = ["-addext", "extendedKeyUsage=serverAuth,clientAuth"]
    files = ["-keyout", str(directory / "key.pem"), "-out", str(directory / "cert.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *usage, *files]
    subprocess.run(command, check=True, capture_output=True)
    shutil.copy(directory / "cert.pem", directory / "ca.pem")


@pytest.fixture
def with_keys(secured, monkeypatch):
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(secured.keys))


@pytest.fixture
def ssh_engine(docker, tmp_path, monkeypatch) -> str:
    """The address of an engine whose `ssh` leads to the socket here."""
    if shutil.which("docker") is None:
        missing("the docker command is not installed")
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec docker -H {docker.api.url} system dial-stdio\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return "ssh://somebody@elsewhere"


def test_an_image_goes_into_and_comes_out_of_an_engine_behind_tls(secured, with_keys):
    image = tiny({"a": b"1" * 10_000}, {"b": b"2"})
    write_image(image, TINY, Access(engine=secured.url))
    found = open_image(TINY, Access(engine=secured.url))
    tars = []
    for layer in found.layers:
        with verified_layer(layer) as stream:
            tars.append(len(stream.read()))
    assert (found.config.raw, len(tars)) == (image.config.raw, 2)


def test_the_store_of_another_host_is_not_looked_for(secured, with_keys):
    write_image(tiny({"far": b"1"}), TINY, Access(engine=secured.url))
    assert isinstance(open_image(TINY, Access(engine=secured.url)).listing, SavedLayers)


def test_an_unknown_image_is_not_found(secured, with_keys):
    with pytest.raises(NotFound, match="missing:1 is not at tcp://"):
        open_image(parse_reference("docker-daemon:missing:1"), Access(engine=secured.url))


def test_without_keys_the_engine_is_unavailable(secured):
    with pytest.raises(SlimmlError, match=r"tcp://127.*HTTPS"):
        open_image(TINY, Access(engine=secured.url))


def test_an_engine_that_does_not_prove_who_it_is_is_unavailable(secured, with_keys, tmp_path, monkeypatch):
    make_keys(tmp_path)
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="certificate verify failed"):
        open_image(TINY, Access(engine=secured.url))


def test_half_of_the_keys_is_told(secured, with_keys, tmp_path, monkeypatch):
    shutil.copy(secured.keys / "ca.pem", tmp_path)
    shutil.copy(secured.keys / "cert.pem", tmp_path)
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(NotFound, match="only one of"):
        open_image(TINY, Access(engine=secured.url))


def test_the_keys_of_a_docker_context_are_used(secured, monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    hashed = hashlib.sha256(b"far").hexdigest()
    meta = tmp_path / "contexts" / "meta" / hashed
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": secured.url}}}))
    shutil.copytree(secured.keys, tmp_path / "contexts" / "tls" / hashed / "docker")
    image = tiny({"context": b"1"})
    write_image(image, TINY)
    assert secured.api.image_id("tiny:1") == image.config.digest


def test_of_a_damaged_image_nothing_is_loaded(secured, with_keys):
    image = tiny({"damaged": b"2" * 9000})
    digest = image.layers[0].descriptor.digest
    image.layers[0].blobs.content[digest] = image.layers[0].blobs.content[digest][:-30] + b"?" * 30
    with pytest.raises(InvalidImage):
        write_image(image, parse_reference("docker-daemon:damaged:1"), Access(engine=secured.url))
    assert not secured.api.has("damaged:1")


def test_an_image_comes_through_ssh(ssh_engine, docker):
    found = open_image(parse_reference("docker-daemon:motley:1"), Access(engine=ssh_engine))
    assert found.config.digest == docker.api.image_id("motley:1")


def test_an_image_goes_through_ssh(ssh_engine, docker):
    image = tiny({"through": b"ssh"})
    write_image(image, parse_reference("docker-daemon:through-ssh:1"), Access(engine=ssh_engine))
    assert docker.api.image_id("through-ssh:1") == image.config.digest


def test_what_ssh_complains_of_is_told(ssh_engine, tmp_path):
    (tmp_path / "bin" / "ssh").write_text("#!/bin/sh\necho 'ssh: Could not resolve hostname elsewhere' >&2\nexit 255\n")
    with pytest.raises(Unavailable, match="Could not resolve hostname elsewhere"):
        open_image(TINY, Access(engine=ssh_engine))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ssh://host", ["--", "host", "docker system dial-stdio"]),
        ("ssh://me@host:22", ["-l", "me", "-p", "22", "--", "host", "docker system dial-stdio"]),
        ("ssh://host/run/x y.sock", ["--", "host", "docker --host 'unix:///run/x y.sock' system dial-stdio"]),
        ("ssh://-oProxyCommand=x", ["--", "-oproxycommand=x", "docker system dial-stdio"]),
    ],
)
def test_ssh_is_called_as_docker_calls_it(url, words):
    assert ssh_command(url) == ["ssh", "-T", "-o", "ConnectTimeout=30", *words]


def test_an_engine_that_is_not_there_is_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unavailable, match=f"no engine answers at tcp://127.0.0.1:{port}"):
        open_image(TINY, Access(engine=f"tcp://127.0.0.1:{port}"))
