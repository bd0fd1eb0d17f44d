"""`slimml bench`: what needs neither engine nor registry."""

import json

import jsonschema
import pytest

from slimml.bench.results import read_records
from slimml.report.json import schema_text


@pytest.fixture
def sizes(slimml, sloppy, lean):
    """Run bench on both images, for their sizes only."""
    return lambda *words: slimml("bench", sloppy, lean, "--measure", "size", *words)


def test_sizes_need_no_engine(sizes, monkeypatch):
    monkeypatch.setenv("PATH", "")
    ended = sizes()
    assert (ended.code, "on disk" in ended.out) == (0, True)


def test_json_is_what_the_schema_says(sizes):
    jsonschema.validate(sizes("--json").json, json.loads(schema_text("bench")))


def test_the_first_image_is_what_the_other_is_compared_with(sizes):
    (setting,) = sizes("--json").json["summary"]["settings"]
    counted = [figures["counters"]["disk_bytes"] for figures in setting["images"]]
    assert counted[0] > counted[1] == 20_000


def test_every_measurement_is_a_line_of_the_file(sizes, tmp_path):
    sizes("--output", tmp_path / "a.jsonl")
    found = list(read_records(tmp_path / "a.jsonl"))
    for one in found:
        jsonschema.validate(one, json.loads(schema_text("bench-record")))
    assert [one["image"]["position"] for one in found] == [0, 1]


def test_a_link_that_is_none_is_refused_before_anything_is_read(slimml):
    ended = slimml("bench", "oci:/nowhere", "--links", "fast")
    assert (ended.code, "link 'fast' is not known" in ended.err) == (2, True)


def test_a_file_that_cannot_be_written_is_named(sizes, tmp_path):
    ended = sizes("--output", tmp_path / "no" / "a.jsonl")
    assert (ended.code, "cannot be written" in ended.err) == (4, True)
