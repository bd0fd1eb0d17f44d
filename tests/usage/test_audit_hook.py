"""A Python that is lent the module writes down what it opens; what is read of that may come from anybody."""

import os
import subprocess
import sys

import pytest

from slimml.engine.container import Mount, RunSpec
from slimml.usage.recorders.audit import LENT, AuditWatch, lend
from slimml.usage.recording import PYTHON_ONLY, Operation

OPEN, EXEC, LIST, STAT, READLINK, WRITE, MISSED = Operation


@pytest.fixture
def told(tmp_path):
    """Runs Python code with the module lent; the operations by path."""
    place = tmp_path / "told"
    place.mkdir()

    def run(code, **variables):
        environment = {**os.environ, "PYTHONPATH": str(LENT), "SLIMML_RECORD": str(place), **variables}
        ended = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, cwd=tmp_path
        )
        watch = AuditWatch(place)
        run.said, run.watch = ended.stderr, watch
        return {"/" + use.path: use.operations for use in watch.uses()}

    return run


def test_files_that_python_opens_are_told(told, tmp_path):
    (tmp_path / "größe").write_text("x")
    found = told("open('größe').read(); open('out', 'w')")
    assert (found[str(tmp_path / "größe")], found[str(tmp_path / "out")]) == (OPEN, OPEN | WRITE)


def test_modules_libraries_and_the_program_are_told(told):
    found = told("import colorsys, _ctypes")
    assert any("colorsys" in path for path in found)
    assert any("/_ctypes." in path for path in found)
    assert any("libffi" in path for path in found)
    assert found[os.path.realpath(sys.executable)] & EXEC


def test_listing_starting_and_changing_are_told(told, tmp_path):
    found = told("import os, subprocess; os.listdir('.'); os.mkdir('new'); subprocess.run(['/bin/true'])")
    assert found[str(tmp_path)] & LIST
    assert found[str(tmp_path / "new")] == WRITE
    assert found["/bin/true"] & EXEC


def test_an_image_with_no_module_of_that_name_gets_no_complaint(told):
    told("pass")
    assert told.said == ""


def test_an_images_own_module_of_that_name_runs(told, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import sys; sys.stderr.write('own')")
    told("pass", PYTHONPATH=f"{LENT}:{own}")
    assert told.said == "own"


def test_it_is_incomplete_by_its_nature(told):
    told("pass")
    assert told.watch.lost() == (PYTHON_ONLY,)


def test_users_and_programs_are_told(told):
    told("pass")
    assert told.watch.users() == {os.geteuid()}
    assert told.watch.uses()[0].process.startswith("python")


def test_a_workload_without_python_is_told(tmp_path):
    assert "no Python program told of itself" in AuditWatch(tmp_path).lost()


@pytest.mark.parametrize(
    "line",
    [
        b"now 1 2f61",
        b"1 open 2f61",
        b"1 1 xyz",
        b"1",
        b"",
        b"\xff\xfe 1 2f61",
    ],
)
def test_a_line_that_is_none_is_told_as_lost(tmp_path, line):
    (tmp_path / "1").write_bytes(b"1 1 2f61\n" + line + b"\n")
    watch = AuditWatch(tmp_path)
    assert "a line that a Python program wrote cannot be read" in watch.lost()
    assert [use.path for use in watch.uses()] == ["a"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/etc/passwd", path)])
def test_what_is_no_file_is_not_read(tmp_path, make):
    make(tmp_path / "1")
    assert any("is none of theirs" in words for words in AuditWatch(tmp_path).lost())


def test_the_images_own_path_stays(tmp_path):
    lent = lend(RunSpec(environment={"A": "b"}), {"PYTHONPATH": "/app"}, tmp_path)
    assert lent.environment == {"A": "b", "PYTHONPATH": "/slimml-lent:/app", "SLIMML_RECORD": "/slimml-told"}
    assert lent.mounts[-1] == Mount(tmp_path, "/slimml-told", writable=True)
