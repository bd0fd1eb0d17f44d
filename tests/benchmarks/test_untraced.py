"""The lists of what no recording saw: long enough, and nothing of them is in what is recorded."""

import importlib.util
import sys
from pathlib import Path

import pytest

from slimml.probes.probe import CommandProbe, HttpProbe
from slimml.probes.read import read_suite

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SUBJECTS = (
    "traceback",
    "subprocess",
    "time zone",
    "TLS",
    "shell",
    "versions of distributions",
    "beyond ASCII",
)


@pytest.fixture(scope="module")
def run():
    spec = importlib.util.spec_from_file_location("untraced_run", BENCHMARKS / "untraced/run.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def questions(suite):
    """What is asked, without the names."""
    for probe in suite.probes:
        if isinstance(probe, HttpProbe):
            yield probe.method, probe.path, probe.body
        elif isinstance(probe, CommandProbe):
            yield probe.argv


@pytest.mark.parametrize("name", ["onnx-api", "sklearn-batch", "torch-api", "ocr"])
def test_a_list_has_at_least_ten_of_its_own_and_all_subjects(run, name):
    assert len(read_suite(BENCHMARKS / f"untraced/{name}.toml").probes) >= 10
    said = " ".join(probe.name for probe in run.untraced(name).probes)
    assert [subject for subject in SUBJECTS if subject not in said] == []


@pytest.mark.parametrize("name", ["onnx-api", "sklearn-batch", "torch-api", "ocr"])
def test_nothing_of_a_list_is_recorded(run, name):
    recorded = read_suite(BENCHMARKS / f"images/{name}/probes.toml")
    assert not set(questions(run.untraced(name))) & set(questions(recorded))


def test_commands_for_all_run_beside_a_service_where_there_is_one(run):
    assert {probe.alone for probe in run.untraced("ocr").probes if isinstance(probe, CommandProbe)} == {False}
    assert {probe.alone for probe in run.untraced("sklearn-batch").probes} == {True}


def test_the_table_names_what_was_not_answered_alike(run):
    told = run.Told("ocr", "strict", 12.3, 0.25, 0.3, 1, 20, 18, loud=("TLS",), silent=("a time zone",))
    text = run.table([told])
    assert "| ocr | strict | 25% | 30% | 1 | 18 of 20 | 1 | 1 | not asked | 12.3 |" in text
    assert "ocr at strict, silent: a time zone" in text
