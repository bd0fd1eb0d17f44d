"""Asking real services and programs: what comes back, and what becomes of those that misbehave."""

import os
import time

import pytest

from slimml.engine.container import Mount
from slimml.probes.ask import ask
from slimml.probes.probe import (
    BatchProbe,
    CommandProbe,
    ConfigPart,
    ConfigProbe,
    FileProbe,
    HttpProbe,
    Ready,
    Suite,
)

SERVICE = """
import http.server, os, socket, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        getattr(self, "at_" + self.path.strip("/"), self.at_nowhere)()
    def do_POST(self):
        self.say(self.headers["Content-Type"].encode() + b" " + self.rfile.read(int(self.headers["Content-Length"])))
    def say(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def at_health(self): self.say(b"ok")
    def at_nowhere(self): self.say(b"none", 404)
    def at_chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\\r\\nabc\\r\\n2\\r\\nde\\r\\n0\\r\\n\\r\\n")
    def at_slow(self): time.sleep(60)
    def at_drip(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(b".")
            time.sleep(0.05)
    def at_endless(self):
        self.send_response(200)
        self.end_headers()
        while True: self.wfile.write(b"x" * 1000000)
    def at_noise(self): self.wfile.write(b"I am no HTTP\\r\\n\\r\\n"); self.close_connection = True
    def at_short(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")
        self.close_connection = True
    def at_crash(self): print("I die", file=sys.stderr); sys.stderr.flush(); os.kill(os.getpid(), 11)
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
print("serving", flush=True)
server.serve_forever()
"""
READY = Ready(http="/health", port=8000, timeout=20)


def get(path, **more):
    return HttpProbe(f"GET {path}", path, 8000, **more)


@pytest.fixture
def asking(engine, prepared):
    """Ask the service these probes; the round."""

    def ask_service(*probes, program=SERVICE, ready=READY, files=None, config=None, **more):
        return ask(engine, prepared(files or {}, program, **config or {}), Suite(probes, "test", ready=ready, **more))

    return ask_service


@pytest.fixture
def answer(asking):
    """The only answer to one probe."""

    def ask_one(probe, **more):
        (found,) = asking(probe, **more).answers
        return found

    return ask_one


def test_an_answer_has_status_headers_and_body(answer):
    found = answer(get("/health"))
    assert (found.code, found.body, dict(found.headers)["Content-Length"], found.good) == (200, b"ok", "2", True)


def test_a_chunked_answer_is_put_together(answer):
    assert answer(get("/chunked")).body == b"abcde"


def test_a_body_is_sent_with_its_headers(answer):
    probe = HttpProbe("x", "/echo", 8000, method="POST", body=b"{}", headers={"Content-Type": "application/json"})
    assert answer(probe).body == b"application/json {}"


def test_the_time_until_ready_is_told(asking):
    assert 0 < asking(get("/health")).ready_seconds < 20


def test_answers_come_in_the_order_of_the_probes(asking):
    probes = (CommandProbe("a", ("true",), alone=True), get("/health"), FileProbe("f", "/app.py"), get("/nowhere"))
    assert [found.probe for found in asking(*probes).answers] == ["a", "GET /health", "f", "GET /nowhere"]


@pytest.mark.parametrize(
    ("probe", "complaint"),
    [
        (get("/nowhere"), "answered 404; say status = 404 if that is right"),
        (get("/health", status=201), "answered 200, not 201"),
        (get("/health", contains=("fine",)), "the answer does not hold 'fine'"),
    ],
)
def test_an_answer_that_was_not_expected(answer, probe, complaint):
    assert answer(probe).complaints == (complaint,)


def test_a_status_that_was_expected(answer):
    assert answer(get("/nowhere", status=404)).good


@pytest.mark.parametrize("path", ["/slow", "/drip"])
def test_a_service_that_does_not_come_to_an_end(answer, path):
    begun = time.monotonic()
    assert answer(get(path, timeout=0.3)).failure == "no whole answer within 0.3 s"
    assert time.monotonic() - begun < 10


def test_an_answer_without_end_is_not_kept(answer):
    assert answer(get("/endless")).failure == "the answer is larger than 64 MiB"


def test_what_is_no_http(answer):
    assert answer(get("/noise")).failure.startswith("the answer is no HTTP")


def test_an_answer_that_stops_in_the_middle(answer):
    assert answer(get("/short")).failure == "the connection was closed in the middle of the answer"


def test_a_service_that_dies_tells_how(asking):
    crash, after = asking(get("/crash"), get("/health")).answers
    assert crash.failure.endswith("the service ended with code 139 (SIGSEGV); it said: I die")
    assert after.failure.startswith("port 8000: Connection refused")


def test_what_the_service_wrote_is_kept(asking):
    assert asking(get("/health")).stdout == b"serving\n"


def test_a_command_in_the_service(answer):
    probe = CommandProbe(
        "c", ("sh", "-c", "cat; echo $GREETING $X >&2; exit 3"), stdin=b"in", environment={"X": "x"}, code=3
    )
    found = answer(probe)
    assert (found.code, found.body, found.errors, found.good) == (3, b"in", b"hello x\n", True)


def test_a_command_that_does_not_end(answer):
    assert answer(CommandProbe("c", ("sleep", "60"), timeout=0.2)).failure == "did not end within 0.2 s"


@pytest.mark.parametrize(
    "ready", [Ready(tcp=8000), Ready(log="^serving$"), Ready(http="/nowhere", port=8000, status=404)]
)
def test_signs_of_readiness(asking, ready):
    assert asking(get("/health"), ready=ready).answers[0].good


def test_a_service_that_dies_is_not_waited_for(asking):
    begun = time.monotonic()
    found = asking(get("/health"), program="import sys; sys.exit('no model')")
    assert found.failure == "the service ended with code 1; it said: no model"
    assert (found.answers[0].failure, found.ready_seconds) == (found.failure, None)
    assert time.monotonic() - begun < READY.timeout


def test_a_service_that_is_never_ready(asking):
    program = "import time; print('loading', flush=True); time.sleep(60)"
    found = asking(get("/x"), program=program, ready=Ready(tcp=8000, timeout=0.3))
    assert found.failure == "the service was not ready within 0.3 s; it said: loading"


def test_a_service_that_cannot_start(asking):
    found = asking(get("/x"), argv=("/no/such/program",))
    assert found.failure.startswith("the service did not start: /no/such/program")


def test_other_probes_are_asked_where_the_service_is_never_ready(asking):
    found = asking(get("/x"), FileProbe("f", "/app.py"), program="", ready=READY)
    assert [answer.good for answer in found.answers] == [False, True]


def test_a_command_alone(answer):
    probe = CommandProbe("c", ("sh", "-c", "echo out; echo err >&2; exit 2"), code=2, alone=True)
    found = answer(probe, ready=None)
    assert (found.code, found.body, found.errors, found.good) == (2, b"out\n", b"err\n", True)


def test_expectations_of_what_a_command_says(answer):
    probe = CommandProbe(
        "c", ("sh", "-c", "echo out; echo err >&2"), code=1, output=("^in",), excluded=("out",), errors=("war",),
        excluded_errors=("err",), alone=True,
    )  # fmt: skip
    assert answer(probe, ready=None).complaints == (
        "ended with code 0, not 1",
        "standard output does not match '^in'",
        "standard output matches 'out'",
        "standard error does not match 'war'",
        "standard error matches 'err'",
    )


def test_a_program_that_is_not_there(answer):
    found = answer(CommandProbe("c", ("/no/such/program",), alone=True), ready=None)
    assert "cannot be run" in found.failure


def test_a_batch_gives_its_output_files(answer, tmp_path):
    (tmp_path / "in.txt").write_text("given")
    program = "import os; os.makedirs('out/deep'); open('out/a.txt','w').write(open('in/in.txt').read())\n"
    program += "open('out/b.log','w'); open('out/deep/c.txt','w').write('c'); print('done')"
    probe = BatchProbe("b", mounts=(Mount(tmp_path, "/in"),), outputs=("/out/**/*.txt",))
    found = answer(probe, program=program, ready=None)
    assert (found.body, dict(found.files)) == (b"done\n", {"/out/a.txt": b"given", "/out/deep/c.txt": b"c"})


def test_a_batch_that_writes_nothing(answer):
    found = answer(BatchProbe("b", outputs=("/out/*.csv",)), program="import sys; sys.exit(4)", ready=None)
    assert found.complaints == ("ended with code 4, not 0", "wrote no /out/*.csv")


def test_a_batch_that_does_not_end(answer):
    found = answer(
        BatchProbe("b", timeout=0.5), program="import time; print(1, flush=True); time.sleep(60)", ready=None
    )
    assert found.failure.startswith("did not end within 0.5 s")


def test_a_file_and_its_content(answer):
    found = answer(FileProbe("f", "/etc/x", contains=("a.c",), excluded=("z",)), files={"etc/x": b"abc"}, ready=None)
    assert (found.good, dict(found.files)) == (True, {"/etc/x": b"abc"})


@pytest.mark.parametrize(
    ("probe", "complaint"),
    [
        (FileProbe("f", "/none"), "/none is not there"),
        (FileProbe("f", "/etc/x", there=False), "/etc/x is there"),
        (FileProbe("f", "/etc/x", contains=("z",)), "the content does not match 'z'"),
        (FileProbe("f", "/etc/x", permissions="-rwxrwxrwx"), "permissions are -rw-r--r--, not -rwxrwxrwx"),
        (FileProbe("f", "/etc/x", uid=77), "the owner is {uid}, not 77"),
        (FileProbe("f", "/etc/x", executable_by="any"), "not executable by any"),
    ],
)
def test_a_file_that_is_not_as_expected(answer, probe, complaint):
    assert answer(probe, files={"etc/x": b""}, ready=None).complaints == (complaint.format(uid=os.getuid()),)


def test_a_directory_is_there(answer):
    assert answer(FileProbe("f", "/etc"), files={"etc/x": b""}, ready=None).good


def test_the_configuration(answer):
    parts = (ConfigPart("env:GREETING", "^hel"), ConfigPart("port:80", ""), ConfigPart("label:x", None))
    found = answer(ConfigProbe("m", parts), ready=None, config={"ExposedPorts": {"80/tcp": {}}})
    assert (found.good, found.body) == (True, b"env:GREETING=hello\nport:80=80/tcp\n")


def test_a_configuration_that_is_not_as_expected(answer):
    parts = (ConfigPart("workdir", "/app"), ConfigPart("env:GREETING", None), ConfigPart("port:80", ""))
    assert answer(ConfigProbe("m", parts), ready=None).complaints == (
        "the configuration's workdir is ''",
        "the configuration has env:GREETING",
        "the configuration's port:80 is not there",
    )


def test_variables_of_the_image_stand_in_commands(answer):
    probe = CommandProbe("c", ("sh", "-c", "echo ${GREETING} $A"), environment={"A": "$GREETING!"}, alone=True)
    assert answer(probe, ready=None, substitute=True).body == b"hello hello!\n"
