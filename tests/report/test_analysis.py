"""The analysis accounts for every byte once, and its JSON is what the published schema says."""

import io
import json

import jsonschema
import pytest

from slimml.bloat.finding import Risk
from slimml.report.build_analysis import analyse, biggest_of_layer
from slimml.report.json import document, schema_names, schema_text, write
from slimml.report.tree import tree_of


@pytest.fixture
def report(sloppy, findings):
    return analyse(sloppy, findings)


def test_layers_sum_to_the_bytes_on_disk(report):
    assert sum(layer.total.disk_bytes for layer in report.layers) == report.image.disk_bytes == 18_000


@pytest.mark.parametrize("cut", ["systems", "forms"])
@pytest.mark.parametrize("unit", ["disk_bytes", "compressed_bytes"])
def test_cuts_sum_to_the_image(report, cut, unit):
    assert sum(getattr(part, unit) for part in getattr(report, cut)) == getattr(report.image, unit)


def test_owners_sum_to_the_bytes_on_disk(report):
    assert sum(one.live_bytes + one.shadowed_bytes for one in report.owners) == report.image.disk_bytes


def test_layers_sum_to_the_compressed_bytes(report):
    assert sum(layer.total.compressed_bytes for layer in report.layers) == report.image.compressed_bytes


def test_owners_and_archive_ends_sum_to_the_compressed_bytes(report):
    owned = sum(owner.compressed_bytes for owner in report.owners)
    assert owned + report.archive_bytes == report.image.compressed_bytes


def test_layers_and_owners_sum_to_the_files(report):
    by_layer = sum(layer.total.files for layer in report.layers)
    assert by_layer == sum(owner.files for owner in report.owners) == report.image.files == 5


def test_findings_sum_to_what_could_go(report):
    by_risk = sum(one.total.disk_bytes for one in report.reclaimable)
    assert by_risk == sum(finding.total.disk_bytes for finding in report.findings) == 11_800


def test_layers_sum_to_what_could_go(report):
    by_layer = sum(layer.reclaimable.disk_bytes for layer in report.layers)
    assert by_layer == sum(one.total.disk_bytes for one in report.reclaimable)


def test_what_is_only_told_is_not_done_by_optimize(report):
    ask = report.reclaimable[2]
    assert (ask.risk, ask.total.disk_bytes, ask.by_optimize.disk_bytes) == (Risk.ASK, 4000, 0)


def test_shadowed_bytes_are_told_from_live_ones(report):
    assert (report.image.live_bytes, report.owners[0].shadowed_bytes) == (11_000, 7000)


def test_the_directory_tree_sums_to_the_live_bytes(sloppy, report):
    root = tree_of(sloppy, depth=1)
    listed = sum(child.disk_bytes for child in root.children)
    assert root.disk_bytes == listed + root.rest_bytes == report.image.live_bytes


def test_the_json_is_what_the_schema_says(sloppy, report):
    stream = io.StringIO()
    write(document("analysis", report, tree=tree_of(sloppy, 3), biggest=biggest_of_layer(sloppy, 1, 5)), stream)
    jsonschema.validate(json.loads(stream.getvalue()), json.loads(schema_text("analysis")))


@pytest.mark.parametrize("name", schema_names())
def test_every_published_schema_is_one(name):
    schema = json.loads(schema_text(name))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:slimml:schema:{name}:1"
