"""Guessed suites: what is guessed unseen, what running tells, and what of it is kept."""

import sys

import pytest
from tiny_image import tiny

from slimml.inventory.take import take_inventory
from slimml.probes.explore import explore
from slimml.probes.guess import IMPORTS, Guess, guess, guess_suite
from slimml.probes.probe import BatchProbe, CommandProbe, HttpProbe, Ready, Suite
from slimml.probes.settle import settle

SITE = "usr/lib/python3/site-packages"
DESCRIBED = """
import http.server, json, os, random
API = {"openapi": "3.1.0", "paths": {
    "/health": {"get": {}},
    "/random": {"get": {}},
    "/time": {"get": {}},
    "/broken": {"get": {}},
    "/echo": {"post": {"requestBody": {"content": {"application/json": {"example": {"x": 1}}}}}},
    "/item/{id}": {"get": {"parameters": [{"name": "id", "in": "path", "required": True}]}},
}}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = {
            "/health": lambda: (200, b"ok"),
            "/openapi.json": lambda: (200, json.dumps(API).encode()),
            "/random": lambda: (200, b"\\xff\\n" + os.urandom(random.randrange(8, 99))),
            "/time": lambda: (200, json.dumps({"now": os.urandom(8).hex()}).encode()),
            "/broken": lambda: (500, b""),
        }.get(self.path, lambda: (404, b""))()
        self.say(*found)
    def do_POST(self): self.say(200, self.rfile.read(int(self.headers["Content-Length"])))
    def say(self, status, body):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def guessed(*layers, **runtime):
    image = tiny(*(layers or ({"x": b""},)), config={"config": runtime})
    return guess(image, take_inventory(image))


def test_a_server_with_its_own_path_of_readiness():
    found = guessed(Cmd=["streamlit", "run", "a.py"]).suite
    assert found.ready == Ready(http="/_stcore/health", port=8501, timeout=300)
    assert found.probes == (HttpProbe("GET /_stcore/health", "/_stcore/health", 8501),)


def test_a_healthcheck_s_url_says_ready():
    test = {"Test": ["CMD-SHELL", "curl -f http://localhost:8000/up"]}
    assert guessed(Cmd=["uvicorn", "a:b"], Healthcheck=test).suite.ready == Ready(http="/up", port=8000, timeout=300)


def test_a_healthcheck_s_command_is_a_probe():
    found = guessed(Cmd=["/run"], ExposedPorts={"9/tcp": {}}, Healthcheck={"Test": ["CMD", "/check"]}).suite
    assert found.probes[1] == CommandProbe("HEALTHCHECK", ("/check",), code=0, timeout=30)


def test_a_command_without_a_port_is_taken_for_a_batch():
    found = guessed(Cmd=["job", "/out/a.csv"])
    assert (found.suite.ready, found.suite.probes) == (None, (BatchProbe("the image's command"),))
    assert "check" in found.notes["the image's command"]


def test_an_image_without_a_command_leaves_nothing_to_guess():
    assert guessed().suite.probes == ()


def test_what_the_application_imports_is_imported():
    layers = {f"{SITE}/torch/__init__.py": b"", "app/main.py": b"import torch"}
    found = guessed(layers, Cmd=["python3", "main.py"], WorkingDir="/app").suite
    assert CommandProbe(IMPORTS, ("python3", "-c", "import torch"), code=0, alone=True) in found.probes


def test_the_suite_alone_is_given_to_those_who_do_not_ask_how_sure_it_is():
    image = tiny({"x": b""}, config={"config": {"Cmd": ["job"]}})
    assert guess_suite(image, take_inventory(image)).origin == "guessed"


@pytest.fixture
def explored(engine, prepared):
    def exploring(program, suite, files=None):
        image = prepared(files or {}, program)
        return explore(engine, image, Guess(suite, written=("/out.csv", "/none.csv")), patience=20), image

    return exploring


SERVICE = Suite((), "guessed", ready=Ready(tcp=8000, timeout=20))


def test_the_api_of_a_running_service_is_asked(explored):
    found, _ = explored(DESCRIBED, SERVICE)
    assert found.suite.ready == Ready(http="/health", port=8000, timeout=20)
    assert [probe.name for probe in found.suite.probes] == [
        "GET /health", "GET /random", "GET /time", "GET /broken", "POST /echo", "GET /openapi.json",
    ]  # fmt: skip
    assert found.remarks == ("GET /item/{id}: not guessed: it needs 'id'",)


def test_what_fails_or_is_never_the_same_is_dropped(explored, engine):
    found, image = explored(DESCRIBED, SERVICE)
    found = settle(engine, image, found)
    assert [probe.name for probe in found.suite.probes] == [
        "GET /health",
        "GET /time",
        "POST /echo",
        "GET /openapi.json",
    ]
    assert [remark.partition(":")[0] for remark in found.remarks[1:]] == ["GET /broken", "GET /random"]
    assert found.notes["GET /time"].startswith("varies from run to run")


def test_a_program_that_ends_is_a_batch_with_its_outputs(explored):
    found, _ = explored("open('out.csv', 'w')", Suite((BatchProbe("x"),), "guessed"))
    assert found.suite.probes == (BatchProbe("the image's command", outputs=("/out.csv",)),)


def test_a_service_that_ends_by_itself_was_none(explored):
    found, _ = explored("print('done')", SERVICE)
    assert (found.suite.ready, found.suite.probes) == (None, (BatchProbe("the image's command"),))


def test_a_program_that_fails_is_told(explored):
    found, _ = explored("import sys; sys.exit('no')", Suite((BatchProbe("x"),), "guessed"))
    assert found.remarks == ("the image's command ended with code 1; it said: no",)


def test_a_service_that_never_is_ready_is_told_and_not_asked(explored, engine):
    found, image = explored("import sys; sys.exit('no model')", SERVICE)
    found = settle(engine, image, found)
    assert (found.suite.ready, found.suite.probes) == (None, ())
    assert "no model" in found.remarks[-1]


def test_imports_that_fail_in_the_image_itself_are_left_out(engine, prepared):
    probe = CommandProbe(IMPORTS, (sys.executable, "-c", "import json, nosuchmodule"), code=0, alone=True)
    found = settle(engine, prepared({}, ""), Guess(Suite((probe,), "guessed")))
    assert found.suite.probes[0].argv[2] == "import json"
    assert found.remarks == ("import nosuchmodule: ModuleNotFoundError in the image itself",)
