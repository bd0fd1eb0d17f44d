"""A Python program's start is explained: the interpreter, imports by whose they are, data, and what is left over."""

import sys
from pathlib import Path

import pytest

from slimml.bench.python_start import measure_python_start
from slimml.engine.host import HostEngine
from slimml.probes.probe import BatchProbe, HttpProbe, Ready, Suite

SERVICE = """
import http.server, sys, wave, time
with open(sys.argv[1], "rb") as file:
    file.read()
time.sleep(0.2)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        import chunk_of_work
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"42")

http.server.HTTPServer(("127.0.0.1", 8472), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def engine():
    return HostEngine(venv=Path(sys.prefix))


@pytest.fixture(scope="module")
def started(engine, tmp_path_factory):
    """The start of a service that reads a model, sleeps, and imports something when it is first asked."""
    place = tmp_path_factory.mktemp("program")
    (place / "model.bin").write_bytes(bytes(400_000))
    (place / "chunk_of_work.py").write_text("import time; time.sleep(0.1)")
    suite = Suite(
        (HttpProbe("work", "/", 8472),),
        "a test",
        ready=Ready(tcp=8472),
        argv=("python", "-c", SERVICE, str(place / "model.bin")),
        environment={"PYTHONPATH": str(place)},
        network=False,
    )
    with engine.prepare(engine.image) as prepared:
        return measure_python_start(engine, prepared, suite)


def test_the_parts_add_up_to_the_time_until_ready(started):
    assert started.phases.failure is None
    parts = started.interpreter + started.imports + started.program
    assert parts == pytest.approx(started.phases.phases["ready"], rel=0.01)


def test_what_the_program_does_itself_is_not_called_imports(started):
    assert started.program > 0.2
    assert started.imports < started.phases.phases["ready"] - 0.2
    assert 0 < started.since_last_import < started.phases.phases["ready"]


def test_imports_are_told_by_whose_they_are(started):
    assert started.costs[0].owner == "standard library"
    assert started.processes == 1


def test_imports_of_the_first_answer_are_told_apart(started):
    assert 0.1 < started.later_imports < 5


def test_large_data_is_told_with_the_moment_of_its_opening(started):
    (model,) = [file for file in started.data if file.path.endswith("model.bin")]
    assert model.bytes == 400_000
    assert 0 < model.opened < started.phases.phases["ready"]


def test_a_program_that_is_no_python_is_said(engine):
    suite = Suite((BatchProbe("job", argv=("true",)),), "a test", network=False)
    with engine.prepare(engine.image) as prepared:
        found = measure_python_start(engine, prepared, suite)
    assert (found.interpreter, found.costs) == (None, ())
    assert "its imports are not known" in found.remarks[0]
