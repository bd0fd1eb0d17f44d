"""`slimml history …`: results that are kept, shown, exported and moved away."""

import csv
import io
import json

import jsonschema
import pytest

from slimml.history.store import load
from slimml.report.json import schema_text


@pytest.fixture
def analysis(slimml, sloppy, tmp_path):
    """A document of `slimml analyze --json`, and another of the same image."""
    path = tmp_path / "analysis.json"
    path.write_text(slimml("analyze", sloppy, "--json").out)
    return path


@pytest.fixture
def add(slimml, analysis):
    """Add the analysis to the history here."""

    def run(*words, month="2026-11", day=1):
        at = ["--at", f"{month}-{day:02d}T03:00:00Z"]
        return slimml("history", "add", analysis, "--name", "app", "--host", "ci", "--commit", f"c{day}", *at, *words)

    return run


def valid(ended, name):
    jsonschema.validate(ended.json, json.loads(schema_text(name)))
    return ended.json


def test_an_analysis_is_kept(add, at_home):
    assert add().code == 0
    (found,) = load(at_home / "slimml-history")
    assert (found.image, found.host, found.commit, found.metrics["size/layers"]) == ("app", "ci", "c1", 2)


def test_a_bench_of_two_images_is_two_results(slimml, sloppy, lean, at_home, tmp_path):
    document = tmp_path / "bench.json"
    document.write_text(slimml("bench", sloppy, lean, "--measure", "size", "--json").out)
    slimml("history", "add", document)
    assert [one.image for one in load(at_home / "slimml-history")] == [sloppy, lean]


def test_an_optimize_is_kept_as_its_new_image(slimml, sloppy, at_home, tmp_path):
    document = tmp_path / "optimize.json"
    words = ["--output", f"oci:{tmp_path}/small:v1", "--yes", "--json"]
    document.write_text(slimml("optimize", sloppy, *words).out)
    slimml("history", "add", document)
    (found,) = load(at_home / "slimml-history")
    assert found.metrics["optimize/saved_disk_bytes"] > 0


def test_what_was_added_is_told(add):
    assert [one["image"] for one in valid(add("--json"), "history-add")["added"]] == ["app"]


def test_a_result_that_is_there_already_is_told(add):
    add()
    assert "1 result there already" in add().err


def test_the_commit_is_that_of_the_ci(slimml, analysis, at_home, monkeypatch):
    monkeypatch.setenv("GITHUB_SHA", "abc123")
    slimml("history", "add", analysis)
    assert load(at_home / "slimml-history")[0].commit == "abc123"


def test_the_directory_is_that_of_the_settings(add, tmp_path, monkeypatch):
    monkeypatch.setenv("SLIMML_HISTORY", str(tmp_path / "elsewhere"))
    add()
    assert len(load(tmp_path / "elsewhere")) == 1


def test_a_file_of_a_checkout_does_not_say_where_to_write(add, at_home):
    (at_home / "slimml.toml").write_text('history = "/etc"\n')
    assert add().code == 2


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{", 6, "no JSON document"),
        ("[]", 6, "no document of slimml"),
        ('{"schema": "slimml.ledger/1"}', 8, "no document that can be kept"),
        ('{"schema": "slimml.bench/1"}', 6, "no slimml.bench/1"),
    ],
)
def test_what_is_no_document_is_refused(slimml, tmp_path, text, code, words):
    (tmp_path / "a.json").write_text(text)
    ended = slimml("history", "add", tmp_path / "a.json", "--host", "ci")
    assert (ended.code, words in ended.err) == (code, True)


def test_a_file_that_is_not_there_is_named(slimml):
    assert slimml("history", "add", "nowhere.json").code == 3


def test_a_time_that_is_none_is_refused(slimml, analysis):
    assert slimml("history", "add", analysis, "--at", "yesterday").code == 2


def test_the_list_names_lines_and_their_results(slimml, add):
    add(day=1), add(day=2)
    (line,) = valid(slimml("history", "list", "--json"), "history-list")["lines"]
    assert (line["image"], line["results"], line["first"][:10]) == ("app", 2, "2026-11-01")


def test_the_list_is_a_table(slimml, add):
    add()
    assert "app" in slimml("history", "list").out


def test_damaged_lines_are_told_on_standard_error(slimml, add, at_home):
    add()
    (path,) = at_home.glob("slimml-history/*/*.jsonl")
    path.write_bytes(path.read_bytes() + b'{"half')
    assert "damaged" in slimml("history", "list").err


def test_results_are_shown_with_their_figures(slimml, add):
    add()
    assert {"disk_bytes", "c1"} <= set(slimml("history", "show", "app").out.split())


def test_chosen_figures_are_shown(slimml, add):
    add()
    assert "safe_bytes" in slimml("history", "show", "app", "--metric", "waste/safe*").out


def test_the_newest_are_shown(slimml, add):
    for day in (1, 2, 3):
        add(day=day)
    found = valid(slimml("history", "show", "--last", "2", "--json"), "history-show")
    assert [one["commit"] for one in found["results"]] == ["c2", "c3"]


def test_an_image_without_results_is_an_error_that_names_others(slimml, add):
    add()
    ended = slimml("history", "show", "ap")
    assert (ended.code, "but app" in ended.err) == (3, True)


def test_without_a_history_there_is_nothing_to_show(slimml):
    assert slimml("history", "list").code == 3


def test_the_export_is_what_is_kept(slimml, add, at_home):
    add()
    (path,) = at_home.glob("slimml-history/*/*.jsonl")
    assert slimml("history", "export").out == path.read_text()


def test_every_line_of_the_export_is_what_the_schema_says(slimml, add):
    add()
    jsonschema.validate(json.loads(slimml("history", "export").out), json.loads(schema_text("history")))


def test_the_export_as_csv_has_a_row_for_each_figure(slimml, add):
    add()
    rows = list(csv.DictReader(io.StringIO(slimml("history", "export", "--csv").out)))
    assert {"size/layers": "2"}.items() <= {row["metric"]: row["value"] for row in rows}.items()


def test_prune_does_nothing_unless_told_where_to(slimml, add, at_home):
    add()
    ended = slimml("history", "prune", "--before", "2026-12")
    assert (ended.code, "1 line in 1 file would go" in ended.err) == (7, True)
    assert len(load(at_home / "slimml-history")) == 1


def test_prune_moves_to_another_history(slimml, add, at_home):
    add(), add(month="2026-12")
    found = valid(slimml("history", "prune", "--before", "2026-12", "--to", "old", "--json"), "history-prune")
    assert [month["lines"] for month in found["months"]] == [1]
    assert (len(load(at_home / "old")), len(load(at_home / "slimml-history"))) == (1, 1)


def test_prune_forgets_when_told_so(slimml, add, at_home):
    add()
    slimml("history", "prune", "--before", "2026-12", "--forget")
    assert load(at_home / "slimml-history") == []


def test_prune_with_both_ways_is_refused(slimml, add):
    add()
    assert slimml("history", "prune", "--before", "2026-12", "--to", "old", "--forget").code == 2
