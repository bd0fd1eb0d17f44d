"""A service in two virtual environments of this machine, measured and verified side by side without any engine."""

import json
import os
import socket
import subprocess
import sys

import jsonschema
import pytest
from busybox_image import busybox_image

from slimml.bench.nvml import Nvml
from slimml.bench.results import read_records
from slimml.cli.main import main
from slimml.engine.bare.unpack import unpack_image
from slimml.errors import Unavailable
from slimml.report.json import schema_text

SERVICE = """
import http.server, os, answers

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"%d" % answers.answer()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.HTTPServer(("127.0.0.1", 8474), Handler).serve_forever()
"""
PROBES = """
[service]
command = ["python", "service.py"]
port = 8474
network = false
[ready]
tcp = true
[[http]]
path = "/answer"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The service, its probes, and two environments that answer the same, the new one later; one that is wrong."""
    place = tmp_path_factory.mktemp("place")
    (place / "service.py").write_text(SERVICE)
    (place / "probes.toml").write_text(PROBES)
    for name, module in {
        "old": "def answer(): return 42",
        "new": "import time; time.sleep(0.2)\ndef answer(): return 42",
        "wrong": "def answer(): return 43",
    }.items():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / name], check=True)
        (site,) = place.glob(f"{name}/lib/python3*/site-packages")
        (site / "answers-1.dist-info").mkdir()
        (site / "answers-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: answers\nVersion: 1\n")
        (site / "answers-1.dist-info/RECORD").write_text("answers.py,,\n")
        (site / "answers.py").write_text(module)
    return place


@pytest.fixture
def slimml(place, monkeypatch, capsys, tmp_path):
    """Run the program where there is neither an engine nor a runtime, with the service's probes."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setenv("SLIMML_WORK_DIR", str(tmp_path))

    def run(*words, probes="probes.toml"):
        code = main([*map(str, words), "--probes", str(probes)])
        return code, capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def measured(place, tmp_path_factory):
    """A round of starts, with GPUs asked for; the records, and what was said."""
    here = tmp_path_factory.mktemp("measured")
    words = [sys.executable, "-m", "slimml", "bench", "--host-venv", "old", "--host-venv", "new", "--gpus", "all"]
    words += ["--probes", "probes.toml", "--rounds", "1", "--warm-up", "0", "--output", here / "a.jsonl"]
    environment = os.environ | {"PATH": str(here / "empty"), "SLIMML_WORK_DIR": str(here)}
    ended = subprocess.run(words, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return list(read_records(here / "a.jsonl")), ended.stdout


def of(measured, measure):
    return [one for one in measured[0] if one["measure"] == measure]


def test_records_name_the_directories_and_no_digest(measured, place):
    for one in measured[0]:
        jsonschema.validate(one, json.loads(schema_text("bench-record")))
    named = {(one["image"]["reference"], one["image"]["digest"]) for one in measured[0]}
    assert named == {(str(place / "old"), None), (str(place / "new"), None)}


def test_two_environments_are_started_side_by_side(measured):
    starts = of(measured, "start")
    assert [(one["failure"], one["engine"]["name"]) for one in starts] == [(None, "host")] * 4
    ready = {(one["image"]["position"], one["page_cache"]): one["phases"]["ready"] for one in starts}
    assert ready[1, "warm"] > 0.2


def test_imports_belong_to_the_distributions_of_the_environment(measured):
    (new,) = [one for one in of(measured, "python") if one["image"]["position"] == 1]
    assert new["counters"]["import answers"] > 0.2


def test_without_a_gpu_a_start_with_gpus_says_so(measured):
    try:
        with Nvml():
            pytest.skip("this machine has a GPU")
    except Unavailable:
        pass
    assert [one["failure"] for one in of(measured, "gpu")] == [None, None]
    assert "not run on a GPU" in measured[1]


@pytest.mark.parametrize(("other", "code"), [("old", 0), ("new", 0), ("wrong", 10)])
def test_verify_holds_two_environments_together(slimml, other, code):
    assert slimml("verify", "--host-venv", "old", "--host-venv", other)[0] == code


def test_a_port_that_somebody_else_listens_on_is_refused(slimml, place, tmp_path):
    (tmp_path / "shared.toml").write_text(PROBES.replace("network = false\n", ""))
    with socket.create_server(("127.0.0.1", 8474)):
        code, said = slimml("verify", "--host-venv", "old", "--host-venv", "new", probes=tmp_path / "shared.toml")
    assert (code, "port 8474 of this machine is in use" in said.err) == (5, True)


def test_a_root_is_measured_in_place(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SLIMML_WORK_DIR", str(tmp_path))
    (tmp_path / "root").mkdir()
    unpack_image(busybox_image(), tmp_path / "root")
    before = sorted(os.walk(tmp_path / "root"))
    (tmp_path / "probes.toml").write_text('[[batch]]\nrun = ["/bin/sh", "-c", "echo 42 > /made; cat /made"]\n')
    words = ("--measure", "start", "--rounds", "1", "--warm-up", "0", "--json", "--probes", tmp_path / "probes.toml")
    root = ("--host-root", tmp_path / "root")
    code = main(["bench", *map(str, (*root, *root, *words))])
    said = capsys.readouterr()
    assert code == 0, said.err
    found = json.loads(said.out)["summary"]["settings"]
    starts = [one for setting in found if setting["measure"] == "start" for one in setting["images"]]
    assert [list(one["phases"])[-1] for one in starts] == ["exit"] * 4
    assert sorted(os.walk(tmp_path / "root")) == before
