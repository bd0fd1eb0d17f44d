"""Start-up trees, trends and benchmarks as the page takes them; the templates are where the program looks for them."""

import subprocess
import sys
import zipfile
from pathlib import Path

from page_data import data_of
from sample_page import import_tree, trends, waiting

from slimml.history.result import Estimate, Result
from slimml.history.trends import trends as trends_of
from slimml.report.html.page import Page, html_page
from slimml.report.html.startup import StartTree, start_part
from slimml.report.html.trends import trend_lines

ROOT = Path(__file__).parents[3]


def test_a_tree_becomes_nodes_each_after_its_parent():
    nodes = start_part((StartTree("app", {"start": 1.0}, import_tree()),))[0]["nodes"]
    assert nodes[0][3] == -1
    assert all(parent < place for place, (_, _, _, parent, _) in enumerate(nodes))
    assert abs(sum(own for _, own, *_ in nodes) - nodes[0][2]) < 1e-9


def test_a_node_says_whose_it_is():
    root = {"name": "imports", "own": 0.0, "total": 1.0, "children": [
        {"name": "torch._C", "owner": "torch", "own": 1.0, "total": 1.0, "children": []},
    ]}  # fmt: skip
    assert [node[4] for node in start_part((StartTree("app", {}, root),))[0]["nodes"]] == ["", "torch"]


def test_a_tree_without_end_is_cut_and_keeps_its_seconds():
    root = {"name": "end", "own": 1.0, "total": 1.0, "children": []}
    for _ in range(5000):
        root = {"name": "import", "own": 0.0, "total": 1.0, "children": [root]}
    nodes = start_part((StartTree("app", {}, root),))[0]["nodes"]
    assert (len(nodes), nodes[-1][1]) == (201, 1.0)


def result(day, value, size):
    return Result(
        id=str(day), began=f"2026-11-{day:02}T00:00:00Z", image="app", digest=None, commit=f"{day:040x}", host="h",
        engine="docker", suite="1", source="bench", slimml="0.1",
        metrics={"size/disk_bytes": size, "start/dropped/seconds": Estimate(value, value - 0.1, value + 0.1, 5)},
    )  # fmt: skip


def test_trends_of_a_history_become_lines():
    results = [result(day, 3.0, 10**9 if day < 6 else 2 * 10**9) for day in range(1, 11)]
    lines = trend_lines(trends_of(results), {"size/disk_bytes": 1.5e9})
    exact = next(line for line in lines if line.unit == "bytes")
    assert [point.value for point in exact.points] == [10**9] * 5 + [2 * 10**9] * 5
    assert (exact.budget, [change.at for change in exact.changes]) == (1.5e9, [5])
    assert "1.00 GB became 2.00 GB (+100.0%)" in exact.changes[0].words


def test_a_benchmark_tells_its_bars_and_its_tables():
    part = waiting()
    assert [group["title"] for group in part["groups"]] == ["pull over 1gbit", "pull over 100mbit+10ms"]
    assert [table["title"] for table in part["tables"]] == ["Size", "Cold pull", "Start, cold page cache"]
    assert [name for name, _ in part["groups"][0]["bars"][0]["phases"]] == [
        "pull", "create", "start", "ready", "first answer",
    ]  # fmt: skip


def test_a_part_that_is_not_there_is_not_in_the_page():
    data = data_of(html_page(Page("bench", waiting=waiting(), trends=trends())))
    assert set(data.head) == {"version", "title", "waiting", "trends"}


def test_the_wheel_holds_the_templates(tmp_path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    here = {f"slimml/report/html/assets/{file.name}" for file in (ROOT / "slimml/report/html/assets").iterdir()}
    assert {name for name in names if "/assets/" in name and "html" in name} == here
