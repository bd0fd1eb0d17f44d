"""A start of a real program is explained: planted delays are named, and the phases are the whole."""

import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from slimml.bench.directory import Directory
from slimml.engine.host import HostEngine
from slimml.probes.probe import BatchProbe, HttpProbe, Ready, Suite
from slimml.startup.advice import Settings, Topic, advise
from slimml.startup.profile import find_unneeded, profile_start, subject

SERVICE = """
import http.server, socket, sys
import slow_import
import idle_library
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.recv(10)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"42")

http.server.HTTPServer(("127.0.0.1", 8471), Handler).serve_forever()
"""
MODULES = {"idle_library": "idle-library", "idle_part": "idle-library"}


@pytest.fixture(scope="module")
def late_server():
    """Somebody who lets those who connect wait 300 ms."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                threading.Event().wait(0.3)
                connection.sendall(b"x")

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


@pytest.fixture(scope="module")
def about(late_server, tmp_path_factory):
    place = tmp_path_factory.mktemp("program")
    (place / "slow_import.py").write_text("import time; time.sleep(0.2)")
    (place / "idle_library.py").write_text("import idle_part\ndef never(): pass\n")
    (place / "idle_part.py").write_text("for number in range(2_000_000): pass\n")
    engine = HostEngine(venv=Path(sys.prefix))
    suite = Suite(
        (HttpProbe("work", "/", 8471),),
        "a test",
        ready=Ready(tcp=8471),
        argv=("python", "-c", SERVICE, str(late_server)),
        environment={"PYTHONPATH": str(place)},
    )
    with engine.prepare(engine.image) as prepared:
        yield subject(engine, prepared, suite, Directory(engine.image, modules=MODULES))


@pytest.fixture(scope="module")
def measured(about):
    """The profile, and how long it took to make, by another clock."""
    began = time.monotonic()
    found = profile_start(about, cold=False)
    return found, time.monotonic() - began


@pytest.fixture(scope="module")
def profile(measured):
    return measured[0]


@pytest.fixture(scope="module")
def advice(profile, about):
    return advise(profile, Settings(("python",), {}), find_unneeded(about, profile))


def phase(profile, name):
    return next(one for one in profile.phases if one.name == name)


def test_the_phases_add_up_to_the_measured_start(measured):
    profile, outside = measured
    assert profile.start.failure is None
    assert sum(one.seconds for one in profile.phases) == pytest.approx(profile.start.seconds, rel=0.03)
    assert profile.start.seconds < outside


def test_shares_add_up_to_the_whole(profile):
    assert sum(one.share for one in profile.phases) == pytest.approx(1)


def test_little_is_unexplained(profile):
    assert phase(profile, "unexplained").share < 0.2


def test_waiting_is_told_from_working(profile):
    assert phase(profile, "network").wait > 0.29
    assert phase(profile, "sleep").cpu < 0.05


def test_a_planted_slow_import_is_named(advice):
    (found,) = [one for one in advice if one.topic is Topic.SLOW_IMPORT and "slow_import" in one.title]
    assert found.seconds > 0.2
    assert "asleep or waiting" in found.title


def test_a_planted_wait_for_the_network_is_named(advice, late_server):
    (found,) = [one for one in advice if one.topic is Topic.NETWORK]
    assert found.seconds > 0.29
    assert f"127.0.0.1:{late_server}" in found.title


def test_the_sleep_is_named_with_its_line(advice):
    (found,) = [one for one in advice if one.topic is Topic.SLEEP]
    assert found.where.endswith("slow_import.py:1")


def test_a_library_that_nobody_calls_is_named_with_who_imports_it(advice):
    found = [one for one in advice if one.topic is Topic.UNNEEDED_IMPORT]
    assert [(one.title.split()[0], one.chain) for one in found] == [("idle-library", ("idle_library",))]


def test_files_and_libraries_are_counted(profile):
    assert profile.touched.opened > 10
    assert any("libc" in one.path for one in profile.touched.libraries)


def test_a_program_that_is_no_python_is_told_from_outside(about):
    suite = Suite((BatchProbe("job", argv=("true",)),), "a test", network=False)
    found = profile_start(subject(about.engine, about.prepared, suite), cold=False)
    assert sum(one.seconds for one in found.phases) == pytest.approx(found.start.seconds)
    assert "the program is no Python" in found.unseen[0]


def test_a_job_tells_of_itself_as_it_ends(about):
    suite = Suite((BatchProbe("job", argv=("python", "-c", "import json")),), "a test", network=False)
    found = profile_start(subject(about.engine, about.prepared, suite), cold=False)
    assert found.notes.endings
    assert any("libc" in one.path for one in found.touched.libraries)
