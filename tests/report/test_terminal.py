"""The report for people: readable in 80 columns without a terminal, and steered by nothing in the image."""

import io

import pytest

from slimml.report.build_analysis import analyse, biggest_of_layer, finding_report
from slimml.report.console import console
from slimml.report.terminal import render_analysis, render_finding, render_layer
from slimml.report.tree import render_tree, tree_of

ATTACK = "\x1b]0;owned\x07\x1b[2J[red]x[blink]"


def shown(render, *values):
    stream = io.StringIO()
    render(*values, console(stream, color=True))
    return stream.getvalue()


@pytest.fixture
def text(sloppy, findings, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    stream = io.StringIO()
    render_analysis(analyse(sloppy, findings), console(stream, color=True), top=10)
    return stream.getvalue()


def test_no_line_is_wider_than_80_columns(text):
    assert max(map(len, text.splitlines())) <= 80


def test_no_escape_sequence_is_written_to_a_file(text):
    assert "\x1b" not in text


@pytest.mark.parametrize(
    "words",
    [
        "18.0 kB",
        "7.0 kB of it hidden by upper layers",
        "together",
        "python:numpy 2.1.0",
        "RUN pip install numpy",
        "fix: RUN pip install --no-cache-dir",
        "slimml did not run the image",
    ],
)
def test_the_report_says(text, words):
    assert words in text


def test_totals_come_before_findings_before_layers(text):
    assert text.index("On disk") < text.index("Could go") < text.index("Findings") < text.index("Layers")


def test_an_estimate_is_called_one(inventory, row):
    report = analyse(inventory([row("a", 10)], estimated=True), [])
    assert "estimated" in shown(lambda *values: render_analysis(*values, top=1), report)


@pytest.mark.parametrize("view", ["report", "layer", "finding", "tree"])
def test_hostile_words_do_not_steer_the_terminal(inventory, row, build_finding, view):
    image = inventory([row(f"{ATTACK}/{ATTACK}", 100)], commands=[ATTACK])
    finding = build_finding(image, [0], title=ATTACK, fix=ATTACK, reason=ATTACK)
    report = analyse(image, [finding])
    text = {
        "report": lambda: shown(lambda *values: render_analysis(*values, top=5), report),
        "layer": lambda: shown(render_layer, report, 0, biggest_of_layer(image, 0, 5)),
        "finding": lambda: shown(render_finding, finding_report(image, finding, None)),
        "tree": lambda: shown(render_tree, tree_of(image, 3)),
    }[view]()
    assert not set(text) & {"\x1b", "\x07"}
    assert "[red]x[blink]" in text.replace("\n", "").replace(" ", "")


def test_a_finding_lists_every_path(sloppy, findings):
    text = shown(render_finding, finding_report(sloppy, findings[0], None))
    assert "app/model.onnx" in text
    assert "tmp/installer.sh" in text
