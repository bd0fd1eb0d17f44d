"""`slimml optimize` from a real layout to every kind of file."""

import json

import jsonschema
import pytest

from slimml.report.json import schema_text


@pytest.fixture
def schema():
    return json.loads(schema_text("optimize"))


def left_over(tmp_path):
    return list(tmp_path.rglob(".slimml-*")) + list((tmp_path / "slimml_work_dir").iterdir())


def test_a_dry_run_shows_the_plan_and_writes_nothing(slimml, sloppy, tmp_path, schema):
    before = sorted((tmp_path / "layout").rglob("*"))
    ended = slimml("optimize", sloppy, "--dry-run", "--json")
    jsonschema.validate(ended.json, schema)
    assert {step["rule"] for step in ended.json["plan"]["steps"]} >= {"pip-cache", "overwritten", "deleted"}
    assert sorted((tmp_path / "layout").rglob("*")) == before


def test_nobody_at_a_terminal_has_to_say_yes(slimml, sloppy):
    ended = slimml("optimize", sloppy)
    assert (ended.code, "--yes" in ended.err) == (7, True)


def test_the_result_is_beside_the_image_and_smaller(slimml, sloppy, tmp_path, schema):
    ended = slimml("optimize", sloppy, "--yes", "--json")
    jsonschema.validate(ended.json, schema)
    found = ended.json["optimized"]
    assert found["result"]["reference"] == f"{sloppy}-slim"
    assert (found["before"]["disk_bytes"], found["after"]["disk_bytes"]) == (80_780, 20_780)
    assert slimml("validate", f"{sloppy}-slim").code == 0
    assert left_over(tmp_path) == []


def test_what_was_measured_is_what_analyze_says(slimml, sloppy):
    after = slimml("optimize", sloppy, "--yes", "--json").json["optimized"]["after"]
    image = slimml("analyze", f"{sloppy}-slim", "--json").json["image"]
    assert {key: after[key] for key in ("disk_bytes", "compressed_bytes", "layers", "files")} == {
        key: image[key] for key in ("disk_bytes", "compressed_bytes", "layers", "files")
    }


def test_two_runs_give_the_same_digest(slimml, sloppy):
    first = slimml("optimize", sloppy, "-t", "a", "--yes", "--json").json["optimized"]["result"]["digest"]
    assert slimml("optimize", sloppy, "-t", "b", "--yes", "--json").json["optimized"]["result"]["digest"] == first


def test_it_says_that_nobody_ran_the_image(slimml, sloppy):
    assert "unverified: slimml did not run the image" in slimml("optimize", sloppy, "--yes").out


def test_kept_paths_and_skipped_rules_stay(slimml, sloppy):
    ended = slimml("optimize", sloppy, "--yes", "--json", "--keep", "/root/**", "--skip", "deleted")
    assert {step["rule"] for step in ended.json["plan"]["steps"]} & {"pip-cache", "deleted"} == set()


def test_settings_of_the_directory_hold(slimml, sloppy, at_home):
    (at_home / "slimml.toml").write_text("[optimize]\nonly = ['deleted']\n")
    ended = slimml("optimize", sloppy, "--dry-run", "--json")
    assert {step["rule"] for step in ended.json["plan"]["steps"]} >= {"deleted"}
    assert "pip-cache" not in ended.out


def test_nothing_to_gain_is_refused(slimml, lean, tmp_path):
    ended = slimml("optimize", lean, "--yes")
    assert (ended.code, "nothing to gain" in ended.err) == (7, True)
    assert left_over(tmp_path) == []


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_an_archive_has_its_ledger_beside_it(slimml, sloppy, tmp_path, kind):
    ended = slimml("optimize", sloppy, "-o", f"{kind}:{tmp_path}/small.tar", "--yes", "--keep-removed", "--json")
    assert ended.json["optimized"]["ledger"] == f"{tmp_path}/small.tar.ledger.json"
    ledger = json.loads((tmp_path / "small.tar.ledger.json").read_text())
    assert "root/.cache/pip/http-v2/a/b/entry" in {entry["path"] for entry in ledger["entries"]}
    assert (tmp_path / "small.tar.removed.tar.zst").stat().st_size > 50_000


def test_the_ledger_can_be_written_to_a_file_as_well(slimml, sloppy, tmp_path):
    slimml("optimize", sloppy, "--yes", "--ledger", tmp_path / "ledger.json")
    ledger = json.loads((tmp_path / "ledger.json").read_text())
    jsonschema.validate(ledger, json.loads(schema_text("ledger")))
    assert {entry["done"] for entry in ledger["entries"]} == {"dropped"}


@pytest.mark.parametrize(
    "words", [("--compression", "brotli"), ("--compression", "gzip:99"), ("-t", "a", "-o", "oci:b")]
)
def test_words_that_make_no_sense_are_2(slimml, sloppy, words):
    assert slimml("optimize", sloppy, "--yes", *words).code == 2
