"""A start is timed phase by phase up to the first answer that is right; what goes wrong is said, never timed."""

import sys
import time
from pathlib import Path

import pytest

from slimml.bench.first_answer import as_expected, choose_question
from slimml.bench.start import measure_start
from slimml.engine.host import HostEngine
from slimml.errors import UsageError
from slimml.probes.probe import BatchProbe, CommandProbe, FileProbe, HttpProbe, Ready, Suite

PORT = 8471
SERVICE = """
import http.server, os, sys, time
time.sleep(float(os.environ.get("DELAY", "0")))
refuse = int(os.environ.get("REFUSE", "0"))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global refuse
        status = 200
        if self.path == "/work":
            status, refuse = (503 if refuse > 0 else 200), refuse - 1
        body = b"42" if self.path == "/work" else b"ok"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.HTTPServer(("127.0.0.1", 8471), Handler)
print("listening", time.monotonic(), file=sys.stderr, flush=True)
if "DIE" in os.environ:
    sys.exit("no more")
server.serve_forever()
"""


@pytest.fixture(scope="module")
def engine():
    return HostEngine(venv=Path(sys.prefix))


@pytest.fixture
def prepared(engine):
    with engine.prepare(engine.image) as found:
        yield found


def service(program=SERVICE, timeout=20, **environment):
    probes = (HttpProbe("health", "/health", PORT), HttpProbe("work", "/work", PORT, contains=("42",)))
    return Suite(
        probes,
        "a test",
        ready=Ready(http="/health", port=PORT, timeout=timeout),
        argv=("python", "-c", program),
        environment=environment,
        network=False,
    )


def job(program, **expected):
    return Suite((BatchProbe("job", argv=("python", "-c", program), **expected),), "a test", network=False)


def test_the_phases_of_a_service_come_in_order_and_add_up(engine, prepared):
    begun = time.perf_counter()
    found = measure_start(engine, prepared, service(DELAY="0.3"), cold=False)
    passed = time.perf_counter() - begun
    assert found.failure is None
    assert list(found.phases) == ["create", "start", "process", "ready", "first answer"]
    assert 0.3 < found.phases["ready"] < found.seconds < passed
    assert 0 < found.second_answer < passed


def test_ready_is_seen_when_it_is(engine, prepared):
    said = []
    found = measure_start(
        engine, prepared, service(DELAY="0.2"), cold=False, inspect=lambda c, _: said.append(c.logs().stderr)
    )
    listening = float(said[0].split()[1])
    seen = found.began + sum(seconds for phase, seconds in found.phases.items() if phase != "first answer")
    # The first request for readiness takes its time, too; the polling itself adds what `resolution` says.
    assert 0 <= seen - listening < found.resolution + 0.25
    assert found.resolution < 0.1


def test_the_first_right_answer_is_waited_for(engine, prepared):
    found = measure_start(engine, prepared, service(REFUSE="3"), cold=False)
    assert (found.attempts, found.failure) == (4, None)


def test_an_answer_that_the_gate_refuses_is_no_first_answer(engine, prepared, monkeypatch):
    monkeypatch.setattr("slimml.bench.start._RIGHT_SECONDS", 0.05)
    found = measure_start(engine, prepared, service(), cold=False, gate=lambda answer: "not as the original")
    assert found.failure == "work: not as the original"
    assert list(found.phases)[-1] == "ready"


def test_a_service_that_ends_is_said_with_its_last_words(engine, prepared):
    found = measure_start(engine, prepared, service(DIE="1"), cold=False)
    assert "ended with code 1" in found.failure
    assert "no more" in found.failure


def test_a_service_that_is_never_ready_is_said(engine, prepared):
    found = measure_start(engine, prepared, service(timeout=0.2, DELAY="30"), cold=False)
    assert found.failure.startswith("the service was not ready within 0.2 s")
    assert list(found.phases) == ["create", "start", "process"]


def test_a_job_is_timed_to_its_end(engine, prepared):
    found = measure_start(engine, prepared, job("import time; time.sleep(0.2); print(42)"), cold=False)
    assert list(found.phases) == ["create", "start", "process", "exit"]
    assert 0.2 < found.phases["exit"] <= found.seconds
    assert found.peak_resident > 1 << 20


def test_the_processor_time_of_a_service_is_counted_and_its_waiting_is_not(engine, prepared):
    found = measure_start(engine, prepared, service(DELAY="0.5"), cold=False)
    assert 0 < found.cpu_seconds < 0.5


def test_a_job_that_fails_has_no_end_but_a_failure(engine, prepared):
    found = measure_start(engine, prepared, job("raise SystemExit(3)"), cold=False)
    assert found.failure == "job: ended with code 3, not 0"
    assert "exit" not in found.phases


def test_a_job_is_held_to_its_output(engine, prepared):
    def gate(answer):
        return as_expected(answer) or (None if answer.body == b"41\n" else "printed something else")

    assert measure_start(engine, prepared, job("print(42)"), cold=False, gate=gate).failure.endswith("something else")
    assert measure_start(engine, prepared, job("print(41)"), cold=False, gate=gate).failure is None


def test_a_program_that_is_not_there_is_a_failure(engine, prepared):
    suite = Suite((BatchProbe("job", argv=("no-such-program",)),), "a test", network=False)
    found = measure_start(engine, prepared, suite, cold=False)
    assert "no-such-program" in found.failure


def test_the_question_is_the_first_request_that_asks_for_work():
    probes = (
        HttpProbe("health", "/health", PORT),
        HttpProbe("bad", "/work", PORT, "POST", status=422),
        HttpProbe("work", "/work", PORT, "POST"),
    )
    ready = Ready(http="/health", port=PORT)
    assert choose_question(Suite(probes, "x", ready=ready)).name == "work"
    assert choose_question(Suite(probes[:2], "x", ready=ready)).name == "health"
    assert choose_question(Suite(probes, "x", ready=ready), "bad").name == "bad"


def test_a_job_comes_before_a_command_and_success_before_failure():
    alone = CommandProbe("version", ("true",), alone=True)
    batches = (BatchProbe("fails", code=1), BatchProbe("works"))
    assert choose_question(Suite((alone, *batches), "x")).name == "works"
    assert choose_question(Suite((alone,), "x")).name == "version"


@pytest.mark.parametrize(
    ("probes", "name"),
    [((FileProbe("file", "/etc/passwd"),), None), ((BatchProbe("job"),), "work"), ((HttpProbe("a", "/", 1),), None)],
)
def test_without_a_question_it_is_a_usage_error(probes, name):
    with pytest.raises(UsageError):
        choose_question(Suite(probes, "x"), name)
