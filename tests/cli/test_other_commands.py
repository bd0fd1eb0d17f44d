"""copy, validate, cache and schema on real layouts."""

import json

import jsonschema

from slimml.report.json import schema_names, schema_text


def conforms(found, name):
    jsonschema.validate(found, json.loads(schema_text(name)))


def test_copy_says_where_the_image_is_now(slimml, sloppy, tmp_path):
    ended = slimml("copy", sloppy, f"oci-archive:{tmp_path}/copy.tar:v1", "--json")
    conforms(ended.json, "copy")
    assert slimml("analyze", f"oci-archive:{tmp_path}/copy.tar:v1", "--json").json["image"]["layers"] == 2


def test_a_second_copy_finds_the_blobs_there(slimml, sloppy, tmp_path):
    slimml("copy", sloppy, f"oci:{tmp_path}/other:v1")
    assert slimml("copy", sloppy, f"oci:{tmp_path}/other:v2", "--json").json["reused_bytes"] > 50_000


def test_validate_an_image_that_keeps_its_promises(slimml, sloppy):
    ended = slimml("validate", sloppy, "--json")
    conforms(ended.json, "validation")
    assert (ended.code, ended.json["valid"]) == (0, True)


def test_validate_a_damaged_image(slimml, sloppy, tmp_path):
    blob = max((tmp_path / "layout" / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(blob.read_bytes())
    content[2000] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(content)
    ended = slimml("validate", sloppy, "--json")
    conforms(ended.json, "validation")
    assert (ended.code, ended.json["valid"], ended.err.count("\n")) == (6, False, 1)


def test_the_cache_fills_and_empties(slimml, sloppy):
    slimml("analyze", sloppy)
    filled = slimml("cache", "--json").json
    conforms(filled, "cache")
    assert [entry["name"].rpartition(".")[2] for entry in filled["entries"]] == ["layer", "layer", "report"]
    emptied = slimml("cache", "clear", "--json").json
    conforms(emptied, "cache")
    assert (emptied["entries"], emptied["removed_bytes"]) == ([], sum(entry["bytes"] for entry in filled["entries"]))


def test_the_cache_can_be_pruned_to_a_size(slimml, sloppy):
    slimml("analyze", sloppy)
    slimml("cache", "prune", "--max-bytes", "0")
    assert slimml("cache", "--json").json["entries"] == []


def test_where_the_cache_is(slimml, tmp_path):
    assert slimml("cache", "path").out == f"{tmp_path}/slimml_cache_dir\n"


def test_schema_lists_its_names(slimml):
    assert slimml("schema").out.split() == schema_names()


def test_schema_prints_one(slimml):
    assert slimml("schema", "analysis").json["$id"] == "urn:slimml:schema:analysis:1"


def test_an_unknown_schema_is_answered_with_those_there_are(slimml):
    ended = slimml("schema", "analyse")
    assert (ended.code, "there are: analysis" in ended.err) == (2, True)
