"""Connections into another network namespace: by a thread where rights reach, else by a child; nobody else moves."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
from engines import missing

from slimml.bench.watching import Listening
from slimml.engine import enter
from slimml.engine.enter import Door, connect_inside, in_network

SERVER = """
import socket, sys
from slimml.engine import kernel
kernel.unshare(kernel.CLONE_NEWNET)
kernel.raise_loopback()
listening = socket.create_server(("127.0.0.1", 8321))
print("listening", flush=True)
while True:
    accepted, _ = listening.accept()
    accepted.sendall(b"inside")
    accepted.close()
"""


@contextmanager
def serving():
    """The number of a process that serves port 8321 in a network namespace of its own."""
    program = [sys.executable, "-c", SERVER]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout.readline() != "listening\n":
                missing(f"no namespaces here: {process.stderr.read()[-200:]}")
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def server():
    if os.geteuid() != 0:
        missing("only root may enter the network of another process")
    with serving() as pid:
        yield pid


def said(connection):
    with connection:
        return connection.makefile("rb").read()


def test_a_connection_leads_inside(server):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 8321), 5)
    assert said(connect_inside(server, 8321, 5)) == b"inside"


def test_nobody_on_a_port_is_a_refused_connection(server):
    with Door(server) as door, pytest.raises(ConnectionRefusedError):
        door.connect(8322, 5)


def test_this_process_stays_where_it_was(server):
    before = os.readlink("/proc/thread-self/ns/net")
    with Door(server) as door:
        door.connect(8321, 5).close()
    assert os.readlink("/proc/thread-self/ns/net") == before


def test_a_door_starts_no_process_where_a_thread_may_enter(server, monkeypatch):
    monkeypatch.setattr(enter, "_Child", None)
    with Door(server) as door:
        assert said(door.connect(8321, 5)) == b"inside"


def test_a_child_goes_where_no_thread_may(server):
    with enter._Child(server) as child:
        made = child.socket()
        made.connect(("127.0.0.1", 8321))
        assert said(made) == b"inside"


def test_a_process_that_is_gone_is_said():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with pytest.raises(ProcessLookupError):
        Door(gone.pid)


def test_what_is_made_inside_may_raise(server):
    network = os.open(f"/proc/{server}/ns/net", os.O_RDONLY)
    try:
        with pytest.raises(ZeroDivisionError):
            in_network(network, lambda: 1 // 0)
    finally:
        os.close(network)


def test_the_kernel_says_who_listens_there_and_only_there(server):
    with Listening(server) as there, Listening(os.getpid()) as here:
        assert (there.on(8321), there.on(8322), here.on(8321)) == (True, False, False)


def test_both_families_of_addresses_are_looked_at():
    with socket.create_server(("127.0.0.1", 0)) as four, socket.socket(socket.AF_INET6) as six:
        six.bind(("::1", 0))
        six.listen()
        with Listening(os.getpid()) as listening:
            assert listening.on(four.getsockname()[1])
            assert listening.on(six.getsockname()[1])
