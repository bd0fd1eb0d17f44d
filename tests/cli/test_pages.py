"""`--html FILE`: one page beside the answer, whole or not at all."""

import pytest
from page_data import data_of

KEPT = {"ledger": "ledger.json", "bench": "bench.jsonl", "history": "history"}


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


def test_a_report_puts_what_was_kept_into_one_page(slimml, sloppy, tmp_path):
    slimml("optimize", sloppy, "--yes", "--ledger", tmp_path / "ledger.json")
    for _ in range(2):
        slimml("bench", sloppy, f"{sloppy}-slim", "--measure", "size", "-o", tmp_path / "bench.jsonl")
    kept = tmp_path / "bench.json"
    kept.write_text(slimml("bench", sloppy, "--measure", "size", "--json").out)
    slimml("history", "add", kept, "--history", tmp_path / "history", "--name", "app")
    words = [f"--{name}={tmp_path / file}" for name, file in KEPT.items()]
    assert slimml("report", sloppy, *words, "--html", tmp_path / "all.html").code == 0
    head = page(tmp_path / "all.html").head
    assert {"analysis", "files", "done", "waiting", "trends"} <= set(head)
    assert (head["title"], head["waiting"]["images"]) == (sloppy, [sloppy, f"{sloppy}-slim"])
    assert [line["title"].split(" · ")[:2] for line in head["trends"]] == [
        ["app", "size/compressed_bytes"],
        ["app", "size/disk_bytes"],
    ]


def test_a_kept_ledger_says_what_the_run_said(slimml, sloppy, tmp_path):
    slimml("optimize", sloppy, "--yes", "--html", tmp_path / "run.html", "--ledger", tmp_path / "ledger.json")
    slimml("report", sloppy, "--ledger", tmp_path / "ledger.json", "--html", tmp_path / "kept.html")
    run, kept = (page(tmp_path / name) for name in ("run.html", "kept.html"))
    for name in ("done_row", "done", "done_why", "done_after"):
        assert kept.columns[name].tolist() == run.columns[name].tolist()
    for part in (run, kept):
        for side in ("before", "after"):
            del part.head["done"]["report"][side]["tar_bytes"]
    assert kept.head["done"]["report"]["after"] == run.head["done"]["report"]["after"]
    assert {step["rule"]: step["disk_bytes"] for step in kept.head["done"]["steps"]} == {
        step["rule"]: step["disk_bytes"] for step in run.head["done"]["steps"]
    }


def test_a_ledger_of_another_image_is_refused(slimml, sloppy, tmp_path):
    slimml("optimize", sloppy, "--yes", "--ledger", tmp_path / "ledger.json")
    ended = slimml("report", f"{sloppy}-slim", "--ledger", tmp_path / "ledger.json", "--html", tmp_path / "x.html")
    assert (ended.code, "ledger of another image" in ended.err) == (7, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [((), "nothing to show"), (("--ledger", "x.json"), "needs the IMAGE"), (("--json",), "the page is the answer")],
)
def test_a_report_of_nothing_is_refused(slimml, tmp_path, words, told):
    ended = slimml("report", *words, "--html", tmp_path / "x.html")
    assert (ended.code, told in ended.err) == (2, True)
