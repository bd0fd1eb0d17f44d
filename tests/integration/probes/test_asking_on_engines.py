"""The same suite, asked of busybox on every engine: the same answers, and nothing left behind."""

from contextlib import contextmanager

import pytest
from busybox_image import busybox_image
from engines import EngineApi, engine_directory, need, running_dockerd, running_podman

from slimml.engine.bare.engine import BareEngine
from slimml.engine.choose import find_engine
from slimml.engine.container import Mount
from slimml.inventory.take import take_inventory
from slimml.oci.transfer import Access
from slimml.probes.ask import ask
from slimml.probes.explore import explore
from slimml.probes.guess import guess
from slimml.probes.probe import BatchProbe, HttpProbe, Ready, Suite
from slimml.probes.read import read_suite
from slimml.probes.settle import settle
from slimml.probes.write import suite_text

SUITE = """
[service]
port = 8000
mounts = { "/srv/given" = "given" }

[ready]
http = "/index.html"
timeout = 60

[[http]]
path = "/index.html"
contains = "hello from inside"

[[http]]
path = "/given/file.txt"

[[http]]
path = "/nowhere"
status = 404

[[command]]
name = "in the service"
run = "cat; cat /srv/index.html; id -u; echo $A; exit 3"
stdin = "put in\\n"
user = "ann"
environment = { A = "variable" }
code = 3

[[command]]
name = "alone"
run = ["sh", "-c", "pwd; ls /proc | wc -l >&2; hostname >/dev/null"]
directory = "/srv"
alone = true

[[batch]]
name = "a job"
run = ["sh", "-c", "mkdir -p /out/a; cat /in.txt >/out/a/b.txt; echo no >/out/c.log; echo done"]
inputs = { "/in.txt" = "given/file.txt" }
outputs = ["/out/**/*.txt"]

[[batch]]
name = "a job that dies"
run = ["sh", "-c", "sh -c 'kill -9 $$'; exit $?"]
code = 137

[[file]]
path = "/etc/passwd"
content = "^root:"
permissions = "-rw-r--r--"
uid = 0

[[file]]
name = "through a link"
path = "/bin/sh"
executable-by = "other"
ignore = "file:*"

[[file]]
path = "/srv"

[[file]]
path = "/none"
there = false
"""
BODIES = {
    "GET /index.html": b"hello from inside\n",
    "GET /given/file.txt": b"given\n",
    "in the service": b"put in\nhello from inside\n1000\nvariable\n",
    "alone": b"/srv\n",
    "a job": b"done\n",
    "/etc/passwd": b"-rw-r--r-- 0:0\n",
}


@contextmanager
def daemon(running):
    with engine_directory() as directory, running(directory) as socket_path:
        access = Access(engine=EngineApi(socket_path).url)
        yield find_engine("auto", access)


@pytest.fixture(scope="module", params=["docker", "podman", "runc", "crun"])
def engine(request, tmp_path_factory):
    if request.param in ("runc", "crun"):
        need(request.param)
        yield BareEngine(request.param, place=tmp_path_factory.mktemp("bare"))
    else:
        with daemon(running_dockerd if request.param == "docker" else running_podman) as found:
            yield found


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "file.txt").write_text("given\n")
    (tmp_path / "probes.toml").write_text(SUITE)
    return read_suite(tmp_path / "probes.toml")


def test_every_kind_of_probe_is_answered(engine, suite):
    with engine.prepare(busybox_image()) as prepared:
        asked = ask(engine, prepared, suite)
    assert asked.failure is None
    assert {answer.probe: (answer.failure, answer.complaints) for answer in asked.answers if not answer.good} == {}
    found = {answer.probe: answer for answer in asked.answers}
    assert {name: found[name].body for name in BODIES} == BODIES
    assert dict(found["a job"].files) == {"/out/a/b.txt": b"given\n"}
    assert dict(found["/etc/passwd"].files)["/etc/passwd"].startswith(b"root:x:0:0")


def test_a_service_that_dies_is_an_answer(engine, suite):
    with engine.prepare(busybox_image({"Cmd": ["sh", "-c", "echo no model >&2; exit 7"]})) as prepared:
        asked = ask(engine, prepared, suite)
    assert asked.failure == "the service ended with code 7; it said: no model"


def test_a_program_that_is_not_there_is_an_answer(engine, suite):
    with engine.prepare(busybox_image({"Cmd": ["/no/such/program"]})) as prepared:
        asked = ask(engine, prepared, suite)
    assert "the service did not start" in asked.failure
    assert "/no/such/program" in asked.failure


def test_a_guess_passes_when_it_is_read_back(engine, tmp_path):
    image = busybox_image({"ExposedPorts": {"8000/tcp": {}}})
    found = guess(image, take_inventory(image))
    with engine.prepare(image) as prepared:
        found = settle(engine, prepared, explore(engine, prepared, found, patience=60))
        (tmp_path / "slimml.toml").write_text(suite_text(found.suite, found.remarks, found.notes))
        read = read_suite(tmp_path / "slimml.toml")
        asked = ask(engine, prepared, read)
    assert read.ready == Ready(tcp=8000, timeout=300)
    assert read.probes == (HttpProbe("GET /", "/", 8000),)
    assert [answer.good for answer in asked.answers] == [True]


def test_a_service_that_nothing_tells_of_is_found(engine):
    image = busybox_image()
    found = guess(image, take_inventory(image))
    with engine.prepare(image) as prepared:
        found = explore(engine, prepared, found, patience=60)
    assert found.suite.ready == Ready(tcp=8000, timeout=60)


def test_a_job_is_found_to_be_one(engine):
    image = busybox_image({"Cmd": ["sh", "-c", "echo 1 >/tmp.out; touch $0", "/out.txt"]})
    found = guess(image, take_inventory(image))
    with engine.prepare(image) as prepared:
        found = explore(engine, prepared, found, patience=60)
    assert [type(probe) for probe in found.suite.probes] == [BatchProbe]


def test_a_mount_cannot_be_written_to(engine, suite, tmp_path):
    probe = BatchProbe(
        "write", ("sh", "-c", "echo x >/d/file.txt"), mounts=(Mount(tmp_path / "given", "/d"),), code=None
    )
    with engine.prepare(busybox_image()) as prepared:
        ask(engine, prepared, Suite((probe,), "test"))
    assert (tmp_path / "given" / "file.txt").read_text() == "given\n"
