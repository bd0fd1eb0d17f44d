"""The suite knows what is still to be measured, and tells what was measured in a table and charts."""

import importlib.util
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from slimml.bench.host_facts import HostFacts
from slimml.bench.results import ImageFacts, Measure, Measurement, Run, append_records
from slimml.bench.shaping import parse_link
from slimml.engine.container import EngineFacts
from slimml.oci.transfer import Access

SUITE = Path(__file__).parents[2] / "benchmarks/suite"
TAGS = ("latest", "likely")
RUN = Run("a", "2026-01-02T03:04:05Z", "0", HostFacts("a CPU", (), "x86_64", 2, None, "", 8 << 30, "6.1", "Debian", ()))
DOCKER = EngineFacts("docker", "27", "overlay2", False, "runc")


def load(name):
    sys.path.insert(0, str(SUITE))
    try:
        specification = importlib.util.spec_from_file_location(name, SUITE / f"{name}.py")
        module = importlib.util.module_from_spec(specification)
        sys.modules[name] = module
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(SUITE))
    return module


measurements = load("measured")
told = load("told")
run = load("run")


def image(tag, name="onnx-api"):
    return ImageFacts(f"slimml-bench/{name}:{tag}", "sha256:" + "0" * 64, TAGS.index(tag))


def start(tag, number, seconds=2.0, cache="dropped", **more):
    phases = {"create": 0.1, "start": 0.3, "process": 0.0, "ready": seconds, "first answer": 0.05}
    return Measurement(Measure.START, image(tag), phases, engine=DOCKER, page_cache=cache, round=number, **more)


def pull(tag, number, seconds=10.0):
    return Measurement(Measure.PULL, image(tag), {"pull": seconds}, engine=DOCKER, link="1gbit", round=number)


def sized(tag, disk):
    return Measurement(Measure.SIZE, image(tag), counters={"disk_bytes": disk, "compressed_bytes": 1, "files": 1})


@pytest.fixture
def plan(tmp_path):
    links = (parse_link("1gbit"),)
    return run.Plan(
        access=Access(),
        images=Access(),
        runtime="docker",
        tags=TAGS,
        rounds=2,
        warm_up=1,
        links=links,
        until=time.monotonic() + 60,
        results=tmp_path / "suite-test.jsonl",
        containerd=False,
        starts=True,
        place=run.IN_DOCKER,
    )


def starts(rounds):
    return [
        start(tag, number, cache=cache) for tag in TAGS for number in range(rounds) for cache in ("dropped", "warm")
    ]


def everything():
    speed = {"latest": 2.0, "likely": 1.0}
    return [
        *(sized(tag, 1_000_000_000) for tag in TAGS),
        *(start(tag, number, speed[tag] + number / 100) for tag in TAGS for number in range(3)),
        *(pull(tag, number, 10 * speed[tag]) for tag in TAGS for number in range(3)),
    ]


def kept(plan, measured):
    append_records(plan.results, RUN, measured)
    return measurements.read_with_run(plan.results)


def test_at_the_beginning_all_is_to_be_done(plan):
    first, second = run.next_steps([], "onnx-api", plan)
    assert (first.measures, first.rounds) == ({Measure.START}, 2)
    assert (second.measures, second.rounds) == ({Measure.SIZE, Measure.PULL}, 2)


def test_after_an_interruption_what_is_missing_is_to_be_done(plan):
    known = [*starts(1), pull("latest", 0), pull("likely", 0), pull("latest", 1), sized("latest", 1)]
    first, second = run.next_steps(known, "onnx-api", plan)
    assert (first.rounds, second.rounds, second.measures) == (1, 1, {Measure.PULL})


def test_cold_rounds_without_warm_ones_are_not_done(plan):
    (first, _) = run.next_steps([start(tag, number) for tag in TAGS for number in range(2)], "onnx-api", plan)
    assert first.rounds == 2


def test_when_all_is_done_nothing_is_left(plan):
    known = [*starts(2), *(pull(tag, number) for tag in TAGS for number in range(2))]
    assert list(run.next_steps(known, "onnx-api", plan)) == []


def test_another_images_rounds_do_not_count(plan):
    assert len(list(run.next_steps(starts(2), "torch-api", plan))) == 2


def test_results_are_read_back_as_they_were(plan):
    measured = everything()
    assert kept(plan, measured)[0] == measured


def test_a_run_of_fewer_tags_numbers_them_otherwise(plan):
    """`likely` is the third of one run and the second of the next; `safe` was in the first alone."""
    three = [pull("latest", 0, 20.0), pull("likely", 0, 10.0), pull("likely", 0, 16.0)]
    places = (("latest", 0), ("safe", 1), ("likely", 2))
    three = [
        replace(one, image=replace(one.image, reference=f"slimml-bench/onnx-api:{tag}", position=position))
        for one, (tag, position) in zip((three[0], three[2], three[1]), places, strict=True)
    ]
    rows = told.table(kept(plan, [*three, pull("latest", 1, 20.0), pull("likely", 1, 12.0)])[0])
    assert rows[0] == "| | latest | safe | likely |"
    likely = "11.00 s (10.00–12.00)<br>[0.55 (0.50–0.60)]"
    assert f"| pull, 1 Gbit/s | 20.00 s (20.00–20.00) | 16.00 s<br>[0.80] | {likely} |" in rows


def test_the_table_has_medians_intervals_and_ratios(plan):
    rows = told.table(kept(plan, everything())[0])
    assert rows[0] == "| | latest | likely |"
    assert "| on disk | 1.00 GB | 1.00 GB |" in rows
    assert "| cold start | 2.46 s (2.45–2.47) | 1.46 s (1.45–1.47)<br>[0.59 (0.59–0.60)] |" in rows
    assert "| pull, 1 Gbit/s | 20.00 s (20.00–20.00) | 10.00 s (10.00–10.00)<br>[0.50 (0.50–0.50)] |" in rows


def test_the_way_to_the_first_answer_is_told_with_its_gain(plan):
    known = kept(plan, everything())
    (row,) = [row for row in told.table(known[0]) if "pull and cold start, 1 Gbit/s" in row]
    assert "22.46 s (22.45–22.47) | 11.46 s (11.45–11.47)<br>**2.0 times as quick**" in row
    page = told.page({"onnx-api": known[0]}, known[1], [])
    assert "- 1 Gbit/s: `likely` is 1.96 times as quick as the original, on average of 1 images." in page


def test_pulls_alone_may_be_asked_for(plan):
    (only,) = run.next_steps([], "onnx-api", replace(plan, starts=False))
    assert only.measures == {Measure.SIZE, Measure.PULL}


def test_a_link_with_a_slash_has_its_chart_beside_the_others(plan):
    pytest.importorskip("matplotlib")
    known = [replace(one, link="100mbit/each") if one.link else one for one in everything()]
    told.write_all(kept(plan, known), plan.results)
    assert (plan.results.parent / "suite-test-100mbit-each.svg").exists()


def test_warm_ups_and_failures_are_in_no_figure(plan):
    measured = [*everything(), start("likely", 3, 99, failure="died"), start("likely", 4, 99, warm_up=True)]
    rows = told.table(kept(plan, measured)[0])
    assert any("1.46 s (1.45–1.47)" in row for row in rows)
    assert "- Failed: died." in told.page({"onnx-api": measured}, measurements.read_with_run(plan.results)[1], [])


def test_charts_and_page_are_written_beside_the_results(plan):
    pytest.importorskip("matplotlib")
    told.write_all(kept(plan, everything()), plan.results)
    written = {path.name for path in plan.results.parent.iterdir()}
    charts = {f"suite-test-{kind}.{suffix}" for kind in ("start", "1gbit") for suffix in ("png", "svg")}
    assert written == {"suite-test.jsonl", "suite-test.md", *charts}
    chart = (plan.results.parent / "suite-test-1gbit.svg").read_text("utf-8")
    assert "likely: 1.96 times as quick (1.96–1.96)" in chart
    assert "22.5 s (22.4–22.5)" in chart
