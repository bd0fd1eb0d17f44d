"""Recorders held against strace: containers of runc and crun, recorded and traced at once. No opened file is missed."""

import re
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from busybox_image import busybox_image
from engines import missing, need
from layered_image import file, folder, symlink, tar_of

from slimml.engine.bare.engine import BareEngine
from slimml.engine.bare.onlooker import NOBODY
from slimml.engine.container import RunSpec
from slimml.probes.probe import BatchProbe, CommandProbe, FileProbe, Ready, Suite
from slimml.usage.find_recorder import find_recorder
from slimml.usage.record import record, record_while
from slimml.usage.recording import PYTHON_ONLY, Operation, Workload

OPEN, EXEC, LIST, STAT, READLINK, WRITE, MISSED = Operation
DATA = [
    folder("made", mode=0o1777),
    *(file(f"data/{name}") for name in ("plain", "relative", "with space", "größe", "caf\udce9", "moved", "forked")),
    file("data/only stat"),
    file("data/untouched"),
    file("data/deep/er/file"),
    symlink("way", "data/deep"),
    symlink("data/link", "../way/er/file"),
    file("data/tool", b"#!/bin/interpreter\ncat /data/deep/er/file\n", mode=0o755),
    symlink("bin/interpreter", "/data/shell"),
    file("data/many", b"for n in 1 2 3 4 5 6 7 8; do cat /data/plain & done; wait\n"),
]
SCRIPT = r"""
cat /data/plain; cd /data; cat ./relative 'with space' größe "$(printf 'caf\351')" link; ls /data
./tool; (cat forked); sh many
test -e '/data/only stat'; test -e /data/nothing; cat /data/none
echo x > /made/new; cat /made/new; rm /made/new; mv moved moved.again; cat moved.again
"""
_OPENED = re.compile(r"^\d+ .*(?:\)|resumed>.*) = \d+<(/(?:data|made|srv)/[^>]*)>$")


@dataclass
class StracedEngine(BareEngine):
    """A bare engine whose containers strace looks at as well, into files of `place`."""

    traces: Path = Path()
    names: list = field(default_factory=list)

    def __init__(self, name, place):
        super().__init__(name, place=place / "work")
        self.traces, self.names = place, []

    def create(self, prepared, spec, onlooker=NOBODY):
        return super().create(prepared, spec, replace(onlooker, before=self._before))

    def _before(self):
        path = self.traces / f"trace-{len(self.names)}"
        self.names.append(path)
        return ("strace", "-D", "-f", "-y", "-qq", "-e", "trace=open,openat,creat", "-o", str(path), "--")

    def opened(self):
        """What strace saw opened in the directories of the test."""
        found = set()
        for path in self.names:
            for line in path.read_bytes().decode("ascii").splitlines():
                if match := _OPENED.match(line):
                    text = match[1].removesuffix("(deleted)").encode().decode("unicode_escape").encode("latin-1")
                    found.add(text.decode("utf-8", "surrogateescape").lstrip("/"))
        return found


@pytest.fixture(scope="module")
def image():
    data = list(DATA)
    shell = Path(shutil.which("busybox") or missing("busybox is not installed")).read_bytes()
    return busybox_image({"Cmd": ["sh", "-c", SCRIPT]}, [tar_of([*data, file("data/shell", shell, mode=0o755)])])


@pytest.fixture(params=["runc", "crun"])
def runtime(request):
    need(request.param)
    return request.param


BATCH = Suite((BatchProbe("all", code=None),), "test")


def by_path(recording):
    return {use.path: use.operations for use in recording.uses}


@pytest.fixture(params=["fanotify", "notify", "strace"])
def recorded(request, runtime, image, tmp_path):
    """The script's uses as each recorder tells them."""
    if request.param == "strace":
        need("strace")
    engine = BareEngine(runtime, place=tmp_path)
    return request.param, record(engine, image, BATCH, find_recorder(engine, request.param))


@pytest.mark.parametrize("recorder", ["fanotify", "notify"])
def test_no_opened_file_is_missed(runtime, recorder, image, tmp_path):
    need("strace")
    engine = StracedEngine(runtime, tmp_path)
    found = by_path(record(engine, image, BATCH, find_recorder(engine, recorder)))
    truth = engine.opened()
    assert {"data/plain", "data/caf\udce9", "data/deep/er/file", "made/new", "data/moved.again"} <= truth
    assert truth - {path for path, did in found.items() if did & (OPEN | EXEC | LIST | WRITE)} == set()


def test_a_recording_that_lost_nothing_is_complete(recorded):
    _, recording = recorded
    assert recording.complete, recording.lost


def test_what_was_not_used_is_not_there(recorded):
    _, recording = recorded
    assert not by_path(recording).get("data/untouched", OPEN * 0) & (OPEN | EXEC)


def test_what_the_run_made_is_told_apart(recorded):
    _, recording = recorded
    found = by_path(recording)
    assert (found["made/new"] & WRITE, found["data/moved.again"] & WRITE) == (WRITE, WRITE)
    assert not found["data/plain"] & WRITE


def test_a_program_that_ran_is_executed(recorded):
    _, recording = recorded
    assert by_path(recording)["data/tool"] & EXEC


def test_a_directory_that_was_listed_is_told(recorded):
    _, recording = recorded
    assert by_path(recording)["data"] & LIST


def test_order_is_that_of_first_uses(recorded):
    _, recording = recorded
    order = {use.path: use.order for use in recording.uses}
    assert order["data/plain"] < order["data/relative"] < order["data/forked"] < order["made/new"]


def test_the_program_is_told(recorded):
    # Busybox runs its own applets by /proc/self/exe, and takes their names later.
    _, recording = recorded
    assert next(use for use in recording.uses if use.path == "data/plain").process in ("cat", "sh", "exe", "busybox")


@pytest.mark.parametrize("recorder", ["fanotify", "notify"])
def test_the_users_of_programs_are_told(runtime, recorder, tmp_path):
    engine = BareEngine(runtime, place=tmp_path)
    # It lives long enough to be looked at, whatever else the machine does.
    image = busybox_image({"User": "ann", "Cmd": ["sh", "-c", "read line < /etc/group; sleep 2"]})
    assert record(engine, image, BATCH, find_recorder(engine, recorder)).users == (1000,)


def test_the_interpreter_that_the_kernel_opens_is_seen_by_fanotify(runtime, image, tmp_path):
    engine = BareEngine(runtime, place=tmp_path)
    found = by_path(record(engine, image, BATCH, find_recorder(engine, "fanotify")))
    assert found["data/shell"] & EXEC


@pytest.mark.parametrize("recorder", ["notify", "strace"])
def test_what_was_only_asked_for_links_and_what_is_not_there_are_told(runtime, recorder, image, tmp_path):
    engine = BareEngine(runtime, place=tmp_path)
    found = by_path(record(engine, image, BATCH, find_recorder(engine, recorder)))
    told = {path: found[path] for path in ("data/only stat", "data/nothing", "data/none", "way", "data/link")}
    assert told == {
        "data/only stat": STAT,
        "data/nothing": STAT | MISSED,
        "data/none": MISSED,
        "way": READLINK,
        "data/link": READLINK,
    }


def test_strace_names_the_system_calls(runtime, image, tmp_path):
    need("strace")
    engine = BareEngine(runtime, place=tmp_path)
    found = record(engine, image, BATCH, find_recorder(engine, "strace")).syscalls
    assert {"execve", "read", "write", "exit_group"} <= set(found)
    assert "pivot_root" not in found


def test_commands_in_the_service_and_alone_are_recorded_too(runtime, image, tmp_path):
    suite = Suite(
        (
            CommandProbe("inside", ("cat", "/data/plain")),
            CommandProbe("alone", ("cat", "/data/forked"), alone=True),
            FileProbe("there", "/data/untouched"),
        ),
        "test",
        ready=Ready(tcp=8000, timeout=60),
        argv=("sh", "-c", "cat /data/relative; exec httpd -f -p 8000 -h /srv"),
    )
    engine = BareEngine(runtime, place=tmp_path)
    found = by_path(record(engine, image, suite, find_recorder(engine)))
    assert {"data/plain", "data/forked", "data/relative", "data/untouched"} <= found.keys()


def test_a_probe_without_its_answer_makes_a_recording_incomplete(runtime, image, tmp_path):
    engine = BareEngine(runtime, place=tmp_path)
    suite = Suite((BatchProbe("fails", argv=("sh", "-c", "exit 3")),), "test")
    assert "'fails'" in record(engine, image, suite, find_recorder(engine)).lost[0]


def test_what_a_program_does_when_it_is_told_to_end_is_recorded(runtime, image, tmp_path):
    script = "trap 'cat /data/plain; exit' TERM; echo up; while :; do sleep 0.05; done"
    engine = BareEngine(runtime, place=tmp_path)

    def drive(container):
        while not container.logs().stdout:
            assert container.wait(0.01) is None
        return []

    found = record_while(
        engine, image, RunSpec(argv=("sh", "-c", script)), find_recorder(engine), drive, workload=Workload("test", ())
    )
    assert "data/plain" in by_path(found)


def test_what_went_wrong_while_driving_makes_it_incomplete(runtime, image, tmp_path):
    engine = BareEngine(runtime, place=tmp_path)
    found = record_while(
        engine, image, RunSpec(argv=("true",)), find_recorder(engine), lambda _: ["it rained"],
        workload=Workload("test", ()),
    )  # fmt: skip
    assert found.lost == ("it rained",)


def test_nothing_is_left_behind(runtime, image, tmp_path):
    engine = BareEngine(runtime, place=tmp_path)
    record(engine, image, BATCH, find_recorder(engine, "notify"))
    assert list(tmp_path.iterdir()) == []


def test_programs_of_any_user_may_write_where_audit_hooks_do(runtime, tmp_path):
    engine = BareEngine(runtime, place=tmp_path)
    line = f"1 1 {b'/srv/index.html'.hex()}"
    script = f"test -e $PYTHONPATH/sitecustomize.py && echo {line} > $SLIMML_RECORD/1"
    image = busybox_image({"User": "ann", "Cmd": ["sh", "-c", script]})
    found = record(engine, image, BATCH, find_recorder(engine, "audit"))
    assert by_path(found) == {"srv/index.html": OPEN}
    assert found.lost == (PYTHON_ONLY,)
