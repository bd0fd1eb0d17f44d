"""Ports of containers: reached by address, by a proxy that takes every connection, and where there is no network."""

import json

import pytest

from slimml.engine.choose import find_engine
from slimml.engine.container import RunSpec
from slimml.errors import Unsupported
from slimml.oci.transfer import Access

WAIT = 60
ASK = b"GET /index.html HTTP/1.0\r\n\r\n"


def page(container, port=8000):
    """What the web server inside answers, as soon as there is one."""
    while True:
        try:
            connection = container.connect(port, WAIT)
        except ConnectionRefusedError:
            assert container.wait(0.01) is None, container.logs()
            continue
        with connection:
            connection.sendall(ASK)
            found = b""
            while piece := connection.recv(4096):
                found += piece
            return found.rpartition(b"\r\n\r\n")[2]


@pytest.fixture
def by_tcp(docker):
    """The engine reached as one elsewhere is: all that is known of its containers is what it says."""
    return find_engine("docker", Access(engine=docker.tcp))


def test_a_port_is_reached(daemon):
    with daemon.started(ports=(8000,)) as container:
        assert page(container) == b"hello from inside\n"


def test_a_port_that_was_not_said_is_reached_on_this_machine(daemon):
    with daemon.started() as container:
        assert page(container) == b"hello from inside\n"


def test_a_port_that_nobody_listens_on_refuses(daemon):
    with daemon.started("exec sleep 60", ports=(8000,)) as container, pytest.raises(ConnectionRefusedError):
        container.connect(8000, WAIT)


def test_loopback_inside_is_not_the_port(daemon):
    script = "httpd -f -p 127.0.0.1:8000 -h /srv & sleep 0.2; echo up; wait"
    with daemon.started(script, ports=(8000,)) as container:
        while not container.logs().stdout:
            assert container.wait(0.01) is None
        with pytest.raises(ConnectionRefusedError):
            container.connect(8000, WAIT)


def test_a_published_port_is_reached(docker, by_tcp):
    with by_tcp.create(docker.prepared, RunSpec(ports=(8000,))) as container:
        container.start()
        assert container.pid() is None
        assert page(container) == b"hello from inside\n"


def test_the_proxy_of_a_published_port_is_seen_through(docker, by_tcp):
    with by_tcp.create(docker.prepared, RunSpec(argv=("sleep", "60"), ports=(8000,))) as container:
        container.start()
        with pytest.raises(ConnectionRefusedError, match="nobody on port 8000"):
            container.connect(8000, WAIT)


def test_ports_are_published_on_loopback_only(daemon):
    with daemon.started("exec sleep 60", ports=(8000,)) as container:
        found = json.loads(daemon.api.call("GET", f"/containers/{container.id}/json"))["NetworkSettings"]["Ports"]
        assert [binding["HostIp"] for binding in found["8000/tcp"]] == ["127.0.0.1"]


def test_without_a_network_ports_are_reached_on_this_machine(daemon):
    with daemon.started(network=False, ports=(8000,)) as container:
        assert page(container) == b"hello from inside\n"


def test_without_a_network_there_is_loopback_only(daemon):
    with daemon.started("cat /proc/net/dev", network=False) as container:
        assert container.wait(WAIT).code == 0
        devices = [line.split(":")[0].strip() for line in container.logs().stdout.decode().splitlines()[2:]]
    assert devices == ["lo"]


def test_without_a_network_elsewhere_ports_cannot_be_reached(docker, by_tcp):
    spec = RunSpec(network=False, ports=(8000,))
    with by_tcp.create(docker.prepared, spec) as container:
        container.start()
        with pytest.raises(Unsupported, match="without a network"):
            container.connect(8000, WAIT)


def test_a_port_of_a_container_that_has_ended_refuses(daemon):
    with daemon.started("true", ports=(8000,)) as container:
        container.wait(WAIT)
        with pytest.raises(ConnectionRefusedError):
            container.connect(8000, WAIT)


def test_two_containers_may_listen_on_one_port(daemon):
    other = "echo 2 > /srv/index.html; exec httpd -f -p 8000 -h /srv"
    with daemon.started(ports=(8000,)) as one, daemon.started(other, ports=(8000,)) as two:
        assert (page(one), page(two)) == (b"hello from inside\n", b"2\n")
