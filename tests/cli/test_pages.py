"""`--html FILE`: one page beside the answer, whole or not at all."""

import pytest
from page_data import data_of


def page(path):
    return data_of(path.read_bytes())


def test_analyze_writes_what_the_image_holds(slimml, sloppy, tmp_path):
    ended = slimml("analyze", sloppy, "--html", tmp_path / "image.html", "--json")
    data = page(tmp_path / "image.html")
    assert data.head["title"] == sloppy
    assert data.columns["size"].sum() == ended.json["image"]["disk_bytes"]
    assert [one["rule"] for one in data.head["analysis"]["findings"]] == [one["rule"] for one in ended.json["findings"]]


def test_it_says_where_the_page_is(slimml, sloppy, tmp_path):
    assert (
        f"page written to {tmp_path / 'image.html'}" in slimml("analyze", sloppy, "--html", tmp_path / "image.html").err
    )


def test_a_report_that_was_kept_makes_the_same_page(slimml, sloppy, tmp_path):
    for name in ("a.html", "b.html"):
        slimml("analyze", sloppy)
        slimml("analyze", sloppy, "--html", tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_optimize_writes_before_and_after_with_the_ledger(slimml, sloppy, tmp_path):
    ended = slimml(
        "optimize", sloppy, "--yes", "--html", tmp_path / "run.html", "--ledger", tmp_path / "l.json", "--json"
    )
    data = page(tmp_path / "run.html")
    assert data.head["done"]["report"]["after"] == ended.json["optimized"]["after"]
    less = data.columns["size"][data.columns["done_row"]] - data.columns["done_after"]
    sides = ended.json["optimized"]
    assert less.sum() == sides["before"]["disk_bytes"] - sides["after"]["disk_bytes"]
    assert len(less) == (tmp_path / "l.json").read_text().count('"done":')


def test_a_dry_run_writes_the_image_alone(slimml, sloppy, tmp_path):
    slimml("optimize", sloppy, "--dry-run", "--html", tmp_path / "plan.html")
    assert "done" not in page(tmp_path / "plan.html").head


def test_bench_writes_its_figures(slimml, sloppy, tmp_path):
    slimml("bench", sloppy, "--measure", "size", "--html", tmp_path / "bench.html")
    waiting = page(tmp_path / "bench.html").head["waiting"]
    assert (waiting["images"], [table["title"] for table in waiting["tables"]]) == ([sloppy], ["Size"])


@pytest.mark.parametrize("words", [("--shared",), ("--dockerfile", "Dockerfile")])
def test_what_a_page_cannot_show_is_refused(slimml, sloppy, tmp_path, words):
    ended = slimml(
        "optimize", sloppy, *([sloppy] if words == ("--shared",) else []), *words, "--html", tmp_path / "x.html"
    )
    assert (ended.code, "--html" in ended.err) == (2, True)


def test_a_page_that_cannot_be_written_is_told_in_a_line(slimml, sloppy, tmp_path):
    ended = slimml("analyze", sloppy, "--html", tmp_path / "nowhere" / "image.html")
    assert ended.code != 0
    assert ended.err.strip().splitlines()[-1].count("cannot be written") == 1
