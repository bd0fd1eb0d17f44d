"""The table of models' candidates, and their picture."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from slimml.errors import UsageError
from slimml.models.candidates.candidate import ORIGINAL, Candidate, Measured
from slimml.models.candidates.guard import Verdict
from slimml.models.candidates.shrink_directory import LeftFile, Linked, Result
from slimml.models.candidates.shrink_file import FileResult
from slimml.models.model_file import Format
from slimml.report.console import console
from slimml.report.shrunk import render_shrunk, shrunk_report
from slimml.report.shrunk_picture import draw_shrunk

RIGHT = Verdict(True, "metric 0.9 → 0.9")
CANDIDATES = (
    Candidate(ORIGINAL, "", measured=Measured(1_000_000, 900_000, 0.1, 0.02, 70_000_000, 1.0, 1.0), metric=0.9),
    Candidate("int8-stored", "compact", did="9 weights in int8", verdict=RIGHT, metric=0.9,
              measured=Measured(250_000, 220_000, 0.11, 0.021, 70_000_000, 1.1, 1.03)),
    Candidate("int8-dynamic", "quantize", verdict=Verdict(False, "metric 0.9 → 0"), metric=0.0,
              measured=Measured(240_000, 200_000, 0.1, 0.08, 70_000_000, 1.0, 4.0)),
    Candidate("int4", "quantize", failed="ValueError: no"),
    Candidate("lossless", "lossless", failed="nothing in it to save", unsuitable=True),
)  # fmt: skip
RESULT = Result(
    (FileResult(Path("models/ocr.onnx"), Format.ONNX, CANDIDATES, "int8-stored"),),
    (LeftFile("voice.jit", "torchscript", 500, "nothing is known to be too much"),),
    (Linked("copy.onnx", "ocr.onnx", 1_000_000),),
)
HOST = {"cpu": "a processor", "machine": "x86_64", "flags": ["avx2"]}


def report(result=RESULT):
    return shrunk_report(result, "models", "", "size", "models", HOST)


def printed():
    stream = io.StringIO()
    render_shrunk(report(), console(stream, color=False))
    return stream.getvalue()


@pytest.mark.parametrize("words", [
    "▸ int8-stored", "int8-dynamic: refused: metric 0.9 → 0", "int4: candidate failed: ValueError: no",
    "lossless: not made: nothing in it to save", "voice.jit: left as it is", "copy.onnx: the same as ocr.onnx",
    "2.0 MB → 250.5 kB", "×1.03",
])  # fmt: skip
def test_the_table_says(words):
    assert words in printed()


def test_no_line_of_the_table_is_wider_than_a_terminal():
    table = [line for line in printed().splitlines() if "MB" in line or "kB" in line]
    assert max(map(len, table)) <= 100


def test_the_sum_counts_every_model_once():
    assert (report().before_bytes, report().after_bytes) == (2_000_500, 250_500)


def test_what_is_refused_is_not_on_the_front():
    rows = {row.name: row.on_front for row in report().models[0].candidates}
    assert rows == {ORIGINAL: True, "int8-stored": True, "int8-dynamic": False, "int4": False, "lossless": False}


@pytest.mark.parametrize("name", ["picture.svg", "picture.png"])
def test_a_picture_is_drawn(tmp_path, name):
    draw_shrunk(report().models, tmp_path / name)
    assert (tmp_path / name).stat().st_size > 5000


def test_the_same_report_gives_the_same_picture(tmp_path):
    for name in ("first.svg", "second.svg"):
        draw_shrunk(report().models, tmp_path / name)
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_models_that_were_not_timed_make_no_picture(tmp_path):
    untimed = replace(CANDIDATES[0], measured=Measured(10, 9))
    found = Result((FileResult(Path("models/a.pt"), Format.TORCH_ZIP, (untimed,), ""),), (), ())
    with pytest.raises(UsageError, match="nothing to draw"):
        draw_shrunk(report(found).models, tmp_path / "picture.svg")
