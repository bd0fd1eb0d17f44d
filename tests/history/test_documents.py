"""Documents of bench, analyze and optimize as results that can be kept."""

import json
from dataclasses import replace

import jsonschema
import msgspec
import pytest

from slimml.errors import InvalidImage, Unsupported, UsageError
from slimml.history.documents import Keys, results_of
from slimml.history.result import Estimate
from slimml.report.json import schema_text

KEYS = Keys(commit="c0ffee", suite="1", began="2026-11-23T03:00:00Z", here="this-host")
HOST = {
    "cpu": "AMD EPYC", "flags": [], "architecture": "x86_64", "cores": 2, "quota": None, "governor": "",
    "memory": 25_276_514_304, "kernel": "6.18", "system": "Debian 12", "gpus": [],
}  # fmt: skip
ENGINE = {
    "name": "docker", "version": "20.10.24+dfsg1", "storage_driver": "overlay2", "rootless": False, "runtime": "runc",
}  # fmt: skip


def estimate(value):
    return {"value": value, "low": value * 0.9, "high": value * 1.1, "rounds": 5}


def image(position, digest="sha256:aa"):
    return {"reference": f"app:{'ab'[position]}", "digest": digest, "position": position}


def figures(position, seconds=None, phases=None, counters=None):
    return {
        "image": image(position), "seconds": seconds and estimate(seconds),
        "phases": {name: estimate(value) for name, value in (phases or {}).items()}, "counters": counters or {},
        "ratio": None, "spread": 0.01, "failures": [],
    }  # fmt: skip


def setting(measure, *images, link=None, page_cache=None):
    return {"measure": measure, "link": link, "page_cache": page_cache, "images": list(images)}


def bench(*settings, images=1, engine=ENGINE, remarks=()):
    return {
        "schema": "slimml.bench/1",
        "run": {"id": "r1", "began": "2026-11-20T01:02:03Z", "slimml": "0.1.0", "host": HOST, "origin": None},
        "engine": engine,
        "images": [image(position) for position in range(images)],
        "summary": {"settings": list(settings), "noise": ["busy"], "remarks": list(remarks)},
    }


SIZES = {"disk_bytes": 100.0, "compressed_bytes": 40.0, "layers": 3.0, "files": 9.0, "largest_layer_share": 0.5}


def one(document, **keys):
    (found,) = results_of(document, replace(KEYS, **keys))
    return found


def test_a_bench_document_is_what_the_schema_of_bench_says():
    document = bench(setting("size", figures(0, counters=SIZES)))
    jsonschema.validate(document, json.loads(schema_text("bench")))


def test_every_image_of_a_bench_has_a_result():
    document = bench(setting("size", figures(0, counters=SIZES), figures(1, counters=SIZES)), images=2)
    assert [one.image for one in results_of(document, KEYS)] == ["app:a", "app:b"]


def test_sizes_are_whole_numbers():
    assert one(bench(setting("size", figures(0, counters=SIZES)))).metrics == {
        "size/disk_bytes": 100, "size/compressed_bytes": 40, "size/layers": 3, "size/files": 9,
    }  # fmt: skip


def test_estimated_bytes_are_another_figure():
    from slimml.bench.size import ESTIMATED

    found = one(bench(setting("size", figures(0, counters=SIZES)), remarks=[ESTIMATED]))
    assert ("size/compressed_estimate" in found.metrics, "size/compressed_bytes" in found.metrics) == (True, False)


def test_times_keep_their_intervals():
    found = one(bench(setting("pull", figures(0, 10.0, {"pull": 10.0}), link="1gbit", page_cache="dropped")))
    assert found.metrics == {"pull/1gbit/seconds": Estimate(10.0, 9.0, 11.0, 5)}


def test_phases_of_a_start_are_figures_of_their_own():
    phases = {"create": 0.1, "first answer": 0.2}
    found = one(bench(setting("start", figures(0, 0.3, phases), page_cache="warm")))
    assert set(found.metrics) == {"start/warm/seconds", "start/warm/create", "start/warm/first-answer"}


def test_the_engine_is_named_without_its_patch_version():
    found = one(bench(setting("size", figures(0, counters=SIZES))))
    assert (found.engine, found.facts["engine"]) == ("docker 20.10 overlay2", "docker 20.10.24+dfsg1")


def test_the_host_class_is_that_of_the_document():
    assert one(bench(setting("size", figures(0, counters=SIZES)))).host == "amd-epyc-2c-32g"


def test_a_host_class_that_was_given_wins():
    assert one(bench(setting("size", figures(0, counters=SIZES))), host="ci").host == "ci"


def test_noise_is_kept():
    assert one(bench(setting("size", figures(0, counters=SIZES)))).noise == ("busy",)


def test_a_name_can_be_given():
    assert one(bench(setting("size", figures(0, counters=SIZES))), names=("mine",)).image == "mine"


def test_names_have_to_fit():
    with pytest.raises(UsageError, match="2 names for the 1 images"):
        one(bench(setting("size", figures(0, counters=SIZES))), names=("a", "b"))


def test_the_same_document_is_the_same_result():
    document = bench(setting("size", figures(0, counters=SIZES)))
    assert one(document).id == one(document, commit="other").id


def analysis(**changed):
    facts = {
        "reference": "app@sha256:aa", "digest": "sha256:aa", "platform": "linux/amd64", "layers": 3, "files": 10,
        "live_files": 9, "disk_bytes": 100, "live_bytes": 90, "compressed_bytes": 40, "compressed_estimated": False,
    }  # fmt: skip
    amount = {"files": 1, "disk_bytes": 7, "compressed_bytes": 3}
    return {
        "schema": "slimml.analysis/1",
        "image": facts | changed,
        "reclaimable": [{"risk": risk, "total": amount, "by_optimize": amount} for risk in ("safe", "likely", "ask")],
        "efficiency": {"score": 0.9, "wasted_bytes": 5},
    }


def test_an_analysis_is_of_this_machine_and_needs_no_engine():
    found = one(analysis())
    assert (found.host, found.engine, found.began) == ("this-host", "none", KEYS.began)


def test_a_digest_is_no_part_of_the_name():
    assert one(analysis()).image == "app"


def test_an_analysis_tells_waste_by_risk():
    assert one(analysis()).metrics["waste/safe_bytes"] == 7


def test_the_same_analysis_at_another_commit_is_another_result():
    assert one(analysis()).id != one(analysis(), commit="other").id


def optimize():
    amounts = {"compressed_bytes": 50, "tar_bytes": 120, "layers": 3, "files": 10}
    return {
        "schema": "slimml.optimize/1",
        "optimized": {
            "before": {"disk_bytes": 100} | amounts, "after": {"disk_bytes": 30} | amounts, "plain": False,
            "result": {"reference": "app:slim", "digest": "sha256:bb"}, "verified": True,
        },
    }  # fmt: skip


def test_of_an_optimize_the_new_image_is_kept():
    found = one(optimize())
    assert (found.image, found.digest, found.metrics["size/disk_bytes"]) == ("app:slim", "sha256:bb", 30)


def test_with_what_it_saved_and_whether_it_was_verified():
    metrics = one(optimize()).metrics
    assert (metrics["optimize/saved_disk_bytes"], metrics["optimize/verified"]) == (70, 1)


def test_a_dry_run_is_refused():
    with pytest.raises(UsageError, match="dry run"):
        results_of({"schema": "slimml.optimize/1", "plan": {}}, KEYS)


def test_another_document_is_refused():
    with pytest.raises(Unsupported, match=r"slimml\.ledger/1"):
        results_of({"schema": "slimml.ledger/1"}, KEYS)


@pytest.mark.parametrize("document", [{"schema": "slimml.bench/1"}, {"schema": "slimml.analysis/1", "image": 3}])
def test_a_document_that_is_not_what_it_says_is_refused(document):
    with pytest.raises(InvalidImage, match="the document is no"):
        results_of(document, KEYS)


def test_a_result_is_what_the_published_schema_says():
    pull = setting("pull", figures(0, 10.0, {"pull": 10.0}), link="1gbit")
    found = one(bench(pull, setting("size", figures(0, counters=SIZES))))
    jsonschema.validate(json.loads(msgspec.json.encode(found)), json.loads(schema_text("history")))
