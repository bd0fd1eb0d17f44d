"""Measurements come back from their lines."""

import json

import pytest

from slimml.bench.host_facts import HostFacts, Load
from slimml.bench.recorded import engine_of, last_run
from slimml.bench.results import ImageFacts, Measure, Measurement, Run, append_records
from slimml.engine.container import EngineFacts
from slimml.errors import InvalidImage, NotFound

HOST = HostFacts("Chip 9", ("avx2",), "x86_64", 2, None, "", 8 << 30, "6.1", "Debian", ())
PULL = Measurement(
    Measure.PULL, ImageFacts("app:1", None), {"pull": 3.5}, {"wire_bytes": 7, "requests": None},
    EngineFacts("docker", "20", "overlay2", False, "runc"), "1gbit", load_before=Load(0.1, 0.2, 0.0, None),
    remarks=("a remark",),
)  # fmt: skip


def run(name):
    return Run(name, "2026-11-23T00:00:00Z", "0.1", HOST, None)


def test_the_last_run_comes_back_as_it_was(tmp_path):
    path = tmp_path / "b.jsonl"
    append_records(path, run("first"), [PULL])
    append_records(path, run("second"), [PULL, PULL])
    assert last_run(path) == (run("second"), [PULL, PULL])
    assert engine_of([PULL]) == PULL.engine


def test_an_empty_file_holds_no_measurement(tmp_path):
    (tmp_path / "b.jsonl").touch()
    with pytest.raises(NotFound, match="holds no measurement"):
        last_run(tmp_path / "b.jsonl")


def test_a_record_against_its_schema_is_told(tmp_path):
    path = tmp_path / "b.jsonl"
    append_records(path, run("first"), [PULL])
    path.write_text(json.dumps(json.loads(path.read_text()) | {"phases": "soon"}) + "\n")
    with pytest.raises(InvalidImage, match="contradicts its schema"):
        last_run(path)
