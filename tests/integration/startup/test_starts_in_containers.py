"""Real containers of this Python: a start explained from within, and bytecode compiled by the image's own Python."""

import gzip
import importlib.util
import json
import os
from contextlib import contextmanager

import jsonschema
import pytest
from engines import engine_directory, need, running_dockerd, running_podman
from layered_image import root_of
from tiny_image import tiny

from slimml.cli.main import main
from slimml.demo import this_python
from slimml.demo.layer import write_layer
from slimml.engine.choose import find_engine
from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access, open_image, write_image
from slimml.probes.probe import BatchProbe, HttpProbe, Ready, Suite
from slimml.report.json import schema_text
from slimml.slim.starting.adding import add_bytecode, check_added
from slimml.slim.starting.compiling import compile_modules
from slimml.slim.starting.missing import uncompiled
from slimml.startup.advice import Settings, Topic, advise
from slimml.startup.judging import judge
from slimml.startup.profile import find_unneeded, profile_start, subject

PYTHON = f"/usr/local/bin/{this_python.VERSION}"
SITE = f"usr/local/lib/{this_python.VERSION}/site-packages"
ENGINES = ("docker", "podman", "runc", "crun")
SERVICE = b"""
import http.server
import slow
import idle
import socket, threading, time

def late(server):
    connection, _ = server.accept()
    time.sleep(0.3)
    connection.sendall(b"x")

server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=late, args=(server,), daemon=True).start()
socket.create_connection(server.getsockname()).recv(1)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"42")

http.server.HTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
METADATA = b"Metadata-Version: 2.1\nName: %s\nVersion: 1\n"
_LEFT_OUT = ("/test/", "/idlelib/", "/lib2to3/", "/ensurepip/", "/tkinter/", "/config-", "/__pycache__/")
_LARGE = b"".join(b"def f%d(a, b=%d):\n    return [a * n + b for n in range(%d)]\n" % (n, n, n) for n in range(6000))

SOURCES = {
    "slow": b"import time; time.sleep(0.2)\n",
    "idle": b"import large\ndef never(): pass\n",
    "large": _LARGE,
}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """A service of this Python without any bytecode, with distributions that are slow, idle, and large."""
    tree = this_python.interpreter(())
    tree.files = {path: here for path, here in tree.files.items() if not any(word in path for word in _LEFT_OUT)}

    def fill(layer):
        layer.directory("tmp", 0o1777)
        layer.file("etc/passwd", b"root:x:0:0::/root:/bin/sh\n")
        layer.tree(tree)
        for name, source in SOURCES.items():
            layer.file(f"{SITE}/{name}-1.dist-info/METADATA", METADATA % name.encode())
            layer.file(f"{SITE}/{name}-1.dist-info/RECORD", f"{name}.py,,\n".encode())
            layer.file(f"{SITE}/{name}.py", source)
        layer.file("opt/app/service.py", SERVICE)

    store = BlobStore(tmp_path_factory.mktemp("image"))
    descriptor, _ = write_layer(store, fill)
    with store.open_blob(descriptor) as blob:
        plain = gzip.decompress(blob.read())
    variables = ["LD_LIBRARY_PATH=/usr/local/lib"]
    config = {"Cmd": [PYTHON, "/opt/app/service.py"], "Env": variables, "WorkingDir": "/opt/app", "User": "1000"}
    return tiny(plain, config={"config": config})


@contextmanager
def running(name):
    if name in ("runc", "crun"):
        need(name)
        yield find_engine(name, Access())
        return
    daemon = running_dockerd if name == "docker" else running_podman
    with engine_directory() as directory, daemon(directory) as socket_path:
        yield find_engine(name, Access(engine=f"unix://{socket_path}"))


@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    with running(request.param) as found:
        yield found


@pytest.fixture(scope="module")
def inventory(image):
    return take_inventory(image)


@pytest.fixture(scope="module")
def about(engine, image, inventory):
    suite = Suite((HttpProbe("work", "/", 8000),), "a test", ready=Ready(tcp=8000), network=False)
    with engine.prepare(image) as prepared:
        yield subject(engine, prepared, suite, inventory)


@pytest.fixture(scope="module")
def profile(about):
    return profile_start(about, cold=False)


def test_the_phases_of_a_container_add_up(profile):
    assert profile.start.failure is None
    assert sum(one.seconds for one in profile.phases) == pytest.approx(profile.start.seconds, rel=0.03)
    seconds = {one.name: one.seconds for one in profile.phases}
    assert seconds["interpreter"] > 0
    assert seconds["compiling sources"] > 0.05


def test_planted_delays_in_a_container_are_named(profile, about):
    advice = advise(profile, Settings((PYTHON,), {}), find_unneeded(about, profile))
    topics = {one.topic: one for one in advice}
    assert "slow" in topics[Topic.SLOW_IMPORT].title or topics[Topic.SLEEP].where.endswith("slow.py:1")
    assert max(one.seconds for one in advice if one.topic is Topic.NETWORK) > 0.29
    assert topics[Topic.BYTECODE].seconds > 0.05
    assert [one.chain for one in advice if one.topic is Topic.UNNEEDED_IMPORT and "idle" in one.title] == [("idle",)]


def test_what_a_container_s_processes_hold_is_seen(profile):
    assert profile.seen.cpu > 0
    assert any("libc" in one.path for one in profile.touched.libraries)


def test_a_job_without_python_is_told_from_outside(about):
    job = Suite((BatchProbe("job", argv=(PYTHON, "-I", "-c", "pass")),), "a test", network=False)
    found = profile_start(subject(about.engine, about.prepared, job), cold=False)
    assert sum(one.seconds for one in found.phases) == pytest.approx(found.start.seconds)
    assert "ignores PYTHON* variables" in found.unseen[0]


@pytest.fixture(scope="module")
def in_runc(runc, image, inventory):
    suite = Suite((HttpProbe("work", "/", 8000),), "a test", ready=Ready(tcp=8000), network=False)
    with runc.prepare(image) as prepared:
        yield subject(runc, prepared, suite, inventory)


def test_of_a_cold_start_pages_are_counted(in_runc, monkeypatch, tmp_path):
    # Only the image's own files are made cold, not all of this machine.
    monkeypatch.setattr("slimml.bench.page_cache.DROP_CACHES", tmp_path / "no/such/file")
    found = profile_start(in_runc, cold=True)
    assert found.cold
    assert 0 < found.touched.read_bytes < found.touched.image_bytes
    assert found.touched.read_pages * found.touched.page >= found.touched.read_bytes
    assert found.touched.read_files > 5
    assert dict(found.touched.by_owner)["slow"] > 0


@pytest.fixture(scope="module")
def runc():
    need("runc")
    return find_engine("runc", Access())


@pytest.fixture(scope="module")
def compiled(runc, image, inventory):
    with runc.prepare(image) as prepared:
        return compile_modules(runc, prepared, inventory, uncompiled(inventory))


def test_the_same_modules_give_the_same_bytes_in_any_company(runc, image, inventory, compiled):
    some = [one.module for one in compiled.files[::-7]]
    with runc.prepare(image) as prepared:
        again = compile_modules(runc, prepared, inventory, some)
    known = {one.module.target: one.content for one in compiled.files}
    assert len(again.files) > 50
    assert all(known[one.module.target] == one.content for one in again.files)


def test_bytecode_is_what_python_makes_itself(compiled):
    assert compiled.files[0].content[:4] == importlib.util.MAGIC_NUMBER
    assert compiled.files[0].content[4:8] == bytes(4)


def test_python_takes_the_bytecode_and_starts_sooner(runc, image, inventory, compiled, tmp_path):
    after = add_bytecode(inventory, compiled.files, BlobStore(tmp_path))
    check_added(inventory, take_inventory(after), compiled.files)
    suite = Suite((HttpProbe("work", "/", 8000),), "a test", ready=Ready(tcp=8000), network=False)
    with runc.prepare(after) as prepared:
        found = profile_start(subject(runc, prepared, suite, inventory), cold=False)
    assert found.start.failure is None
    assert [span.name for span in found.notes.spans if span.kind == "compile"] == []
    assert judge(runc, image, after, suite, rounds=3).helps


def test_a_root_with_bytecode_is_the_root_and_the_bytecode(inventory, compiled, image, tmp_path):
    before, after = root_of(image), root_of(add_bytecode(inventory, compiled.files, BlobStore(tmp_path)))
    assert {path: after[path] for path in before} == before
    assert os.path.dirname(compiled.files[0].module.target) in after


def test_optimize_adds_it_where_that_helps(image, tmp_path, capsys):
    need("runc")
    source, target = (f"oci:{tmp_path}/{name}:1" for name in ("before", "after"))
    write_image(image, parse_reference(source))
    words = [
        "--compile-bytecode",
        "--probe",
        "GET :8000/",
        "--runtime",
        "runc",
        "--yes",
        "--json",
        "--only",
        "stale-bytecode",
    ]
    assert main(["optimize", source, "-o", target, *words]) == 0
    told = json.loads(capsys.readouterr().out)
    jsonschema.validate(told, json.loads(schema_text("optimize")))
    assert told["bytecode"]["kept"]
    assert told["bytecode"]["ratio"]["high"] < 1
    assert told["optimized"]["verified"]
    assert told["optimized"]["after"]["files"] == told["optimized"]["before"]["files"] + told["bytecode"]["modules"]
    assert uncompiled(take_inventory(open_image(parse_reference(target)))) == ()
    assert main(["validate", target]) == 0
