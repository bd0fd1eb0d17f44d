"""`slimml native`: looking into libraries, and making those of a directory smaller."""

import json

import jsonschema
import pytest
from gpu_library import container, cubins, library
from tiny_elf import tiny_library

from slimml.report.json import schema_text


@pytest.fixture
def place(tmp_path):
    """A directory with a library that has GPU code, one that has none, and a text."""
    found = tmp_path / "libraries"
    found.mkdir()
    library(found / "libgpu.so", [container(*cubins(75, 90, size=60_000))])
    (found / "lib.so").write_bytes(tiny_library())
    (found / "readme.txt").write_text("no library")
    return found


def test_all_bytes_of_a_file_are_told(slimml, place):
    found = json.loads(slimml("native", "inspect", str(place / "libgpu.so"), "--json").out)
    jsonschema.validate(found, json.loads(schema_text(found["schema"].removeprefix("slimml.").partition("/")[0])))
    (file,) = found["files"]
    assert sum(it["bytes"] for it in file["gpu"] + file["parts"]) == (place / "libgpu.so").stat().st_size
    assert {it["target"] for it in file["gpu"]} == {"sm_75", "sm_90"}


def test_of_a_directory_the_libraries_with_gpu_code_are_told(slimml, place):
    found = json.loads(slimml("native", "inspect", str(place), "--json", "--gpu-arch", "sm_87").out)
    assert [it["path"] for it in found["files"]] == ["libgpu.so"]
    assert {"sm_75", "sm_87", "sm_90"} <= set(found["files"][0]["saved_by"])


def test_the_table_tells_each_architecture(slimml, place):
    found = slimml("native", "inspect", str(place), "--gpu-arch", "sm_90").out
    assert "sm_75" in found
    assert "--gpu-arch sm_90 would take out at most" in found


def test_a_directory_is_made_smaller_in_place(slimml, place):
    before = (place / "libgpu.so").read_bytes()
    found = json.loads(
        slimml("native", "trim", str(place), "--gpu-arch", "sm_90", "--modify-proprietary", "--strip", "--json").out
    )
    jsonschema.validate(found, json.loads(schema_text(found["schema"].removeprefix("slimml.").partition("/")[0])))
    assert (place / "libgpu.so").stat().st_size < len(before)
    assert (place.with_name("libraries.before-slimml") / "libgpu.so").read_bytes() == before


def test_libraries_that_no_licence_speaks_of_stay(slimml, place):
    found = slimml("native", "trim", str(place), "--gpu-arch", "sm_90", "--strip")
    assert "--modify-proprietary" in found.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["native", "inspect", "missing.so"], 3),
        (["native", "trim", "."], 2),
        (["native", "trim", ".", "--gpu-arch", "sm_x"], 2),
        (["native", "trim", "missing", "--strip"], 3),
    ],
)
def test_mistakes_are_told_in_a_line(slimml, words, code):
    found = slimml(*words)
    assert found.code == code
    assert found.err.count("\n") == 1


def test_a_file_that_is_no_library_is_told_so(slimml, place):
    found = slimml("native", "inspect", str(place / "readme.txt"))
    assert found.code != 0
    assert "readme.txt" in found.err or "ELF" in found.err
