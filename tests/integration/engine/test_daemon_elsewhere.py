"""Engines that are not root's on this machine: a Podman of nobody's, engines behind TLS and behind ssh."""

import socket
import subprocess

import pytest
from busybox_image import busybox_image
from engines import engine_directory, missing, running_rootless_podman

from slimml.engine.choose import find_engine
from slimml.engine.container import RunSpec
from slimml.errors import Unavailable
from slimml.oci.places.daemon.api import address
from slimml.oci.transfer import Access

WAIT = 60


def page(container):
    while True:
        try:
            connection = container.connect(8000, WAIT)
        except ConnectionRefusedError:
            assert container.wait(0.01) is None, container.logs()
            continue
        with connection:
            connection.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
            found = b""
            while piece := connection.recv(4096):
                found += piece
            return found.rpartition(b"\r\n\r\n")[2]


@pytest.fixture(scope="module")
def rootless():
    """The engine of a Podman without root, and its address."""
    with engine_directory() as directory, running_rootless_podman(directory) as socket_path:
        yield find_engine("podman", Access(engine=f"unix://{socket_path}"))


@pytest.fixture
def in_rootless(rootless):
    with rootless.prepare(busybox_image()) as prepared, rootless.create(prepared, RunSpec(ports=(8000,))) as container:
        container.start()
        yield container


def test_a_podman_without_root_says_so(rootless):
    assert rootless.facts().rootless is True


def test_a_port_is_reached_without_root(in_rootless):
    assert page(in_rootless) == b"hello from inside\n"


def test_commands_and_files_are_the_same_without_root(in_rootless):
    assert in_rootless.execute(("cat",), stdin=b"words").stdout == b"words"
    assert in_rootless.files("/srv") == {"/srv/index.html": b"hello from inside\n"}
    found = in_rootless.status("/srv/index.html")
    assert (found.uid, found.gid, found.size) == (0, 0, 18)


def test_memory_that_nobody_counts_is_not_made_up(in_rootless):
    assert in_rootless.peak_memory() is None


@pytest.fixture
def by_ssh(docker, tmp_path, monkeypatch):
    """The engine by way of an `ssh` that leads to this machine: dial-stdio to the socket, -W to a port."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        'while [ $# -gt 0 ]; do [ "$1" = -W ] && exec busybox nc "${2%:*}" "${2#*:}"; shift; done\n'
        f"exec docker -H {docker.api.url} system dial-stdio\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    if subprocess.run(["docker", "--version"], check=False, capture_output=True).returncode:
        missing("the docker command is not installed")
    return find_engine("docker", Access(engine="ssh://somebody@elsewhere"))


def test_an_engine_behind_ssh_runs_containers(by_ssh, docker):
    with by_ssh.create(docker.prepared, RunSpec(ports=(8000,))) as container:
        container.start()
        assert container.pid() is None
        assert page(container) == b"hello from inside\n"
        assert container.execute(("cat",), stdin=b"words").stdout == b"words"
        assert container.files("/srv") == {"/srv/index.html": b"hello from inside\n"}
        assert container.peak_memory() > 100_000


def test_a_port_that_nobody_listens_on_refuses_through_ssh(by_ssh, docker):
    with by_ssh.create(docker.prepared, RunSpec(argv=("sleep", "60"), ports=(8000,))) as container:
        container.start()
        with pytest.raises(ConnectionRefusedError):
            container.connect(8000, WAIT)


def test_an_engine_of_another_kind_is_not_the_one_asked_for(docker):
    with pytest.raises(Unavailable, match="is docker, not podman"):
        find_engine("podman", docker.access)


def test_the_first_engine_that_answers_is_found(docker, podman, monkeypatch, tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left.sock"))
    sockets = [str(tmp_path / "left.sock"), podman.api.socket_path, docker.api.socket_path]
    monkeypatch.setattr(address, "usual_sockets", lambda: sockets)
    assert find_engine("auto", Access()).name == "podman"
    assert find_engine("docker", Access()).name == "docker"


def test_without_docker_and_podman_a_runtime_is_found(monkeypatch):
    monkeypatch.setattr(address, "usual_sockets", list)
    assert find_engine("auto", Access()).name in ("runc", "crun")
