"""A recording comes back as it was written; what is cut off, damaged or made up is refused."""

import json
import os

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimml.errors import InvalidImage, NotFound
from slimml.report.json import schema_text
from slimml.usage.recording import Operation, Recording, Use
from slimml.usage.recording_file import load_recording, save_recording

SCHEMA = json.loads(schema_text("recording"))


@pytest.fixture
def written(recording, tmp_path):
    """The path and the lines of a recording of three paths."""
    path = tmp_path / "recording.jsonl"
    save_recording(recording("usr/bin/python3", "app/caf\udce9.py", "app/größe"), path)
    return path, [json.loads(line) for line in path.read_bytes().splitlines()]


def rewritten(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_it_comes_back_as_it_was(recording, tmp_path):
    known = recording("a", "b/\udcff", lost=("something",), syscalls=("openat",))
    save_recording(known, tmp_path / "one")
    assert load_recording(tmp_path / "one") == known


names = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=()), min_size=1, max_size=8)


@given(paths=st.lists(st.lists(names.filter(lambda n: n not in (".", "..")), min_size=1).map("/".join), unique=True))
def test_any_path_comes_back(tmp_path_factory, paths):
    known = Recording(
        "sha256:" + "a" * 64, (), "linux/amd64", tuple(Use(p, Operation.STAT, 0.5, n) for n, p in enumerate(paths)),
        (), (),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("recording") / "one"
    save_recording(known, path)
    assert load_recording(path) == known


def test_every_line_is_as_the_published_schema_says(written):
    _, lines = written
    for line in lines:
        jsonschema.validate(line, SCHEMA)


def test_nothing_is_beside_it(written):
    path, _ = written
    assert os.listdir(path.parent) == [path.name]


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        load_recording(tmp_path / "none")


def test_one_that_is_cut_off_is_refused(written):
    path, _ = written
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InvalidImage, match=r"line 4.*cut off"):
        load_recording(path)


def test_one_that_lacks_lines_is_refused(written):
    path, lines = written
    with pytest.raises(InvalidImage, match="cut off"):
        load_recording(rewritten(path, lines[:-1]))


def test_one_with_more_lines_is_refused(written):
    path, lines = written
    with pytest.raises(InvalidImage, match="more follows"):
        load_recording(rewritten(path, [*lines, lines[-1] | {"path": "other"}]))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "slimml.recording/2"},
        {"schema": None},
        {"count": -1},
        {"count": True},
        {"count": 10**12},
        {"image": "latest"},
        {"diff_ids": ["sha256:../../etc"]},
        {"platform": 3},
        {"lost": "nothing"},
        {"lost": [1]},
        {"users": [-1]},
        {"users": ["root"]},
        {"seen": ["fanotify"]},
        {"workloads": [{"origin": []}]},
    ],
)
def test_a_made_up_header_is_refused(written, change):
    path, lines = written
    with pytest.raises(InvalidImage):
        load_recording(rewritten(path, [lines[0] | change, *lines[1:]]))


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/etc/passwd"},
        {"path": "a/../../etc/passwd"},
        {"path": "a//b"},
        {"path": "a/./b"},
        {"path": "a\0b"},
        {"path": 7},
        {"path": "app/größe"},  # twice
        {"operations": ["delete"]},
        {"operations": "open"},
        {"first": "now"},
        {"first": float("inf")},
        {"first": True},
        {"process": []},
        {"requested": "/lib"},
    ],
)
def test_a_made_up_use_is_refused(written, change):
    path, lines = written
    with pytest.raises(InvalidImage, match=r"line 2|line 4"):
        load_recording(rewritten(path, [lines[0], lines[1] | change, *lines[2:]]))


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"[]\n", b"\x1f\x8b", b"{" * 100_000 + b"\n"])
def test_what_is_no_recording_is_refused(tmp_path, content):
    path = tmp_path / "one"
    path.write_bytes(content)
    with pytest.raises(InvalidImage):
        load_recording(path)


def test_a_line_without_end_costs_no_memory(written):
    path, lines = written
    path.write_bytes(json.dumps(lines[0]).encode() + b"\n" + b'{"path": "' + b"a" * 5_000_000)
    with pytest.raises(InvalidImage, match="line 2"):
        load_recording(path)
