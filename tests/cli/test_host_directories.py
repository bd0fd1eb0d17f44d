"""Directories of this machine in place of images: which options go together, and their sizes."""

import json
import os
import sys

import jsonschema
import pytest

from slimml.report.json import schema_text


@pytest.fixture
def venv(at_home):
    """As much of a virtual environment as is looked at."""

    def made(name, size):
        (at_home / name / "bin").mkdir(parents=True)
        (at_home / name / "bin/python").symlink_to(sys.executable)
        (at_home / name / "data").write_bytes(bytes(size))
        return at_home / name

    return made


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name an IMAGE"),
        (("app:1", "--host-venv", "old"), "exclude each other"),
        (("--host-venv", "old", "--host-root", "old"), "exclude each other"),
        (("app:1", "--host-directory", "."), "there is none"),
        (("--host-root", "old", "--host-directory", "."), "is for --host-venv"),
        (("--host-venv", "old", "--runtime", "runc"), "run without an engine"),
    ],
)
@pytest.mark.parametrize("command", ["bench", "verify"])
def test_images_and_directories_exclude_each_other(slimml, venv, command, words, says):
    venv("old", 1)
    ended = slimml(command, *words)
    assert (ended.code, says in ended.err, ended.err.count("\n")) == (2, True, 1)


@pytest.mark.parametrize("words", [("--measure", "pull"), ("--registry", "localhost:5000")])
def test_a_directory_cannot_be_pulled(slimml, venv, words):
    ended = slimml("bench", "--host-venv", venv("old", 1), *words)
    assert (ended.code, "is in no registry" in ended.err) == (2, True)


def test_nothing_is_guessed_for_a_directory(slimml, venv):
    ended = slimml("bench", "--host-venv", venv("old", 1))
    assert (ended.code, "no probe is guessed" in ended.err) == (2, True)


def test_probes_have_to_say_what_a_directory_runs(slimml, venv):
    ended = slimml("bench", "--host-venv", venv("old", 1), "--probe", "GET :8000/")
    assert (ended.code, "nothing says what" in ended.err) == (2, True)


def test_a_directory_that_is_not_there_is_named(slimml):
    ended = slimml("bench", "--host-venv", "nowhere")
    assert (ended.code, "nowhere is not a directory" in ended.err) == (3, True)


@pytest.mark.parametrize("named", [1, 3])
def test_verify_takes_two_directories(slimml, venv, named):
    words = [word for number in range(named) for word in ("--host-venv", venv(str(number), 1))]
    ended = slimml("verify", *words)
    assert (ended.code, f"{named} named" in ended.err) == (2, True)


def test_sizes_of_directories_are_compared(slimml, venv):
    old, new = venv("old", 3000), venv("new", 1000)
    os.link(old / "data", old / "the same")
    ended = slimml("bench", "--host-venv", old, "--host-venv", new, "--measure", "size", "--json")
    jsonschema.validate(ended.json, json.loads(schema_text("bench")))
    (setting,) = ended.json["summary"]["settings"]
    assert [one["counters"] for one in setting["images"]] == [
        {"disk_bytes": 3000, "files": 2},
        {"disk_bytes": 1000, "files": 1},
    ]
    assert ended.json["images"][1] == {"reference": str(new), "digest": None, "position": 1}


def test_what_a_directory_has_not_is_no_row(slimml, venv):
    said = slimml("bench", "--host-venv", venv("old", 1), "--measure", "size").out
    assert ("Directories of this machine" in said, "on disk" in said, "layers" in said) == (True, True, False)
