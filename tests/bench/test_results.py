"""Results are lines of JSON, each complete in itself, as the published schema says."""

import json

import jsonschema
import pytest

from slimml.bench.host_facts import host_facts, measure_load
from slimml.bench.results import ImageFacts, Measure, Measurement, Run, append_records, read_records, record
from slimml.engine.container import EngineFacts
from slimml.errors import AccessDenied, InvalidImage, NotFound
from slimml.report.json import schema_text

RUN = Run("a1", "2024-01-01T00:00:00Z", "0.1", host_facts(), "slimml.toml")
PULL = Measurement(
    Measure.PULL,
    ImageFacts("app:1", "sha256:0", 1),
    phases={"pull": 1.5},
    counters={"wire_bytes": 10, "requests": None},
    engine=EngineFacts("docker", "20.10", "overlay2", False, "runc"),
    link="1gbit",
    page_cache="dropped",
    round=3,
    load_before=measure_load(0.01),
    remarks=("odd \udce9 bytes",),
)


@pytest.mark.parametrize("measured", [PULL, Measurement(Measure.SIZE, ImageFacts("app:1", "sha256:0"))])
def test_a_record_is_what_the_schema_says(measured):
    found = json.loads(json.dumps(record(RUN, measured)))
    jsonschema.validate(found, json.loads(schema_text("bench-record")))


def test_records_are_read_as_they_were_written(tmp_path):
    append_records(tmp_path / "a.jsonl", RUN, [PULL])
    assert list(read_records(tmp_path / "a.jsonl")) == [json.loads(json.dumps(record(RUN, PULL)))]


def test_records_are_added(tmp_path):
    for _ in range(2):
        append_records(tmp_path / "a.jsonl", RUN, [PULL, PULL])
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 4


def test_a_line_that_is_no_record_is_named(tmp_path):
    append_records(tmp_path / "a.jsonl", RUN, [PULL])
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write('{"schema": "slimml.bench-record/2"}\n')
    with pytest.raises(InvalidImage, match="line 2"):
        list(read_records(tmp_path / "a.jsonl"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFound, match=r"none\.jsonl"):
        list(read_records(tmp_path / "none.jsonl"))


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(AccessDenied, match="cannot be written"):
        append_records(tmp_path / "no" / "a.jsonl", RUN, [PULL])


def test_phases_add_up():
    assert Measurement(Measure.START, PULL.image, phases={"create": 0.5, "start": 1.0}).seconds == 1.5
