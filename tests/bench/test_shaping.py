"""Links: how they are named, and whether they carry as much as they say, by an independent clock."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from slimml.bench.shaping import Link, parse_link, parse_links, shaped
from slimml.bench.throttle import Rate
from slimml.errors import Unavailable, UsageError

PIECE = os.urandom(1 << 20)


@contextmanager
def serving(total):
    """A server that answers whatever it is asked with `total` bytes, once for each connection; its address."""

    def answer(connection):
        with connection:
            connection.recv(65536)
            for start in range(0, total, len(PIECE)):
                connection.sendall(PIECE[: total - start])

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def fetch(address, into):
    host, _, port = address.rpartition(":")
    count = 0
    buffer = bytearray(1 << 20)
    with socket.create_connection((host, int(port))) as connection, suppress(ConnectionResetError):
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while read := connection.recv_into(buffer):
            count += read
    into.append(count)


def seconds_to_fetch(address, connections=1):
    """Wall seconds until all connections have everything, and the bytes of each."""
    got = []
    threads = [threading.Thread(target=fetch, args=(address, got)) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started, got


def quickest(expected, address, connections=1):
    """The least time of a few transfers, which other programs on this machine cannot make shorter, only longer."""
    took = []
    while len(took) < 6 and not (took and min(took) <= 1.02 * expected):
        took.append(seconds_to_fetch(address, connections)[0])
    return min(took)


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("loopback", Link("loopback")),
        ("1gbit", Link("1gbit", 125e6)),
        ("100Mbit+10ms", Link("100mbit+10ms", 12.5e6, 0.010)),
        ("2.5gbit", Link("2.5gbit", 312.5e6)),
        ("20ms", Link("20ms", None, 0.020)),
        ("100mbit/each", Link("100mbit/each", 12.5e6, 0.0, shared=False)),
    ],
)
def test_links_have_names(text, link):
    assert parse_link(text) == link


@pytest.mark.parametrize("text", ["", "fast", "100", "100mbit+", "+10ms", "1kbit", "99999ms", "100mbit10ms", "-1gbit"])
def test_what_is_no_link_is_refused(text):
    with pytest.raises(UsageError):
        parse_link(text)


def test_a_list_has_each_link_once():
    assert [link.name for link in parse_links("loopback, 1gbit,loopback")] == ["loopback", "1gbit"]


@pytest.mark.parametrize(("text", "megabytes"), [("1gbit", 250), ("100mbit", 25)])
def test_a_large_transfer_takes_the_time_of_its_bandwidth(text, megabytes):
    link = parse_link(text)
    expected = megabytes * 1e6 / link.rate
    with serving(megabytes * 1_000_000) as server, shaped(link, server) as shaper:
        assert quickest(expected, shaper.address) == pytest.approx(expected, rel=0.03)


def test_connections_share_a_line():
    with serving(16_000_000) as server, shaped(parse_link("200mbit"), server) as shaper:
        assert quickest(1.92, shaper.address, connections=3) == pytest.approx(1.92, rel=0.03)


def test_bytes_that_wait_when_a_connection_is_new_are_not_there_already():
    line = Rate(100_000)
    time.sleep(0.3)
    began = time.monotonic()
    line.pass_on(20_000, waiting_since=began)
    assert time.monotonic() - began >= 0.2


def test_a_time_without_a_processor_is_made_up_for():
    line = Rate(100_000)
    began = time.monotonic()
    line.pass_on(1_000, waiting_since=began)
    time.sleep(0.2)
    line.pass_on(20_000, waiting_since=began)
    assert 0.21 <= time.monotonic() - began < 0.35


def test_connections_may_have_a_line_each():
    with serving(50_000_000) as server, shaped(parse_link("200mbit/each"), server) as shaper:
        assert quickest(2.0, shaper.address, connections=3) == pytest.approx(2.0, rel=0.03)


def test_a_connection_and_a_request_wait_a_round_trip_each():
    with serving(10) as server, shaped(parse_link("100ms"), server) as shaper:
        assert quickest(0.2, shaper.address) == pytest.approx(0.2, abs=0.03)


def test_all_bytes_arrive_and_are_counted():
    with serving(3_000_001) as server, shaped(parse_link("1gbit"), server) as shaper:
        _, got = seconds_to_fetch(shaper.address, connections=2)
        passed = shaper.passed()
    assert (got, passed.bytes_down, passed.requests, passed.connections) == ([3_000_001] * 2, 6_000_002, 2, 2)


def test_counts_can_be_taken_apart():
    with serving(1000) as server, shaped(Link("loopback"), server) as shaper:
        seconds_to_fetch(shaper.address)
        before = shaper.passed()
        seconds_to_fetch(shaper.address)
        assert shaper.passed().since(before).bytes_down == 1000


def test_a_target_that_is_not_there_hangs_up():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nobody = f"127.0.0.1:{listener.getsockname()[1]}"
    with shaped(Link("loopback"), nobody) as shaper:
        assert seconds_to_fetch(shaper.address)[1] == [0]


def test_a_proxy_that_was_killed_is_told_of():
    with shaped(Link("loopback"), "127.0.0.1:9") as shaper:
        os.kill(shaper._process.pid, signal.SIGKILL)
        shaper._process.wait()
        with pytest.raises(Unavailable, match="has ended in the middle"):
            shaper.passed()


def test_the_proxy_ends_with_who_started_it():
    code = (
        "import os, signal\n"
        "from slimml.bench.shaping import Link, shaped\n"
        "with shaped(Link('loopback'), '127.0.0.1:9') as shaper:\n"
        "    print(shaper._process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    proxy = os.pidfd_open(int(killed.stdout)) if alive(int(killed.stdout)) else None
    assert proxy is None or ended(proxy)


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ended(process):
    """Wait for a process that is not a child of ours."""
    import select

    readable, _, _ = select.select([process], [], [], 10)
    os.close(process)
    return bool(readable)
