"""A directory of models through the command line: the copy, the table, the document, and what is never done."""

import contextlib
import io
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import numpy as np
import onnx
import pytest
import tiny_models

from slimml.cli.main import main
from slimml.report.json import schema_text

WIDTH = 256


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two equal classifiers, and files that are no models."""
    place = tmp_path_factory.mktemp("own") / "models"
    (place / "copies").mkdir(parents=True)
    onnx.save(tiny_models.classifier(width=WIDTH), place / "classifier.onnx")
    onnx.save(tiny_models.classifier(width=WIDTH), place / "copies" / "classifier.onnx")
    (place / "labels.txt").write_text("cat\ndog\n")
    (place / "link.onnx").symlink_to("classifier.onnx")
    return place


def shrink(*words):
    return main(["models", "shrink", "--rounds", "1", *map(str, words)])


@dataclass(frozen=True)
class Small:
    """What one run wrote."""

    place: Path
    document: dict
    picture: bytes
    before: bytes


@pytest.fixture(scope="module")
def small(models, tmp_path_factory):
    """The directory at the second tier."""
    place = tmp_path_factory.mktemp("new")
    before = (models / "classifier.onnx").read_bytes()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        shrink(models, "--tier", "compact", "--json", "-o", place / "small", "--picture", place / "picture.svg")
    return Small(place / "small", json.loads(out.getvalue()), (place / "picture.svg").read_bytes(), before)


def test_a_copy_with_the_best_forms_is_written(small):
    assert (small.place / "classifier.onnx").stat().st_size < 0.4 * len(small.before)


def test_the_originals_stay(models, small):
    assert (models / "classifier.onnx").read_bytes() == small.before


def test_equal_models_are_one_file_and_all_else_is_there(small):
    assert (
        os.path.samefile(small.place / "classifier.onnx", small.place / "copies" / "classifier.onnx"),
        (small.place / "labels.txt").read_text(),
        os.readlink(small.place / "link.onnx"),
    ) == (True, "cat\ndog\n", "classifier.onnx")


def test_the_document_is_as_its_schema_says(small):
    jsonschema.validate(small.document, json.loads(schema_text("models-shrink")))


def test_a_picture_is_drawn(small):
    assert b"int8-stored" in small.picture


def test_one_file_and_the_weights_beside_it(models, tmp_path):
    shrink(models / "classifier.onnx", "--external-data", "--objective", "startup", "-o", tmp_path / "new.onnx")
    feed = np.random.default_rng(1).normal(size=(5, WIDTH)).astype(np.float32)
    found = tiny_models.run(tmp_path / "new.onnx", input=feed)
    assert np.array_equal(found, tiny_models.run(models / "classifier.onnx", input=feed))


def test_an_evaluation_judges_the_third_tier(models, tmp_path, capsys):
    program = tmp_path / "evaluate.py"
    program.write_text("import os; print(0.9 if b'__i8' not in open(os.environ['SLIMML_MODEL'], 'rb').read() else 0.1)")
    shrink(models, "--tier", "compact", "--eval", f"{sys.executable} {program}", "--json")
    rows = json.loads(capsys.readouterr().out)["models"][0]["candidates"]
    assert {row["name"]: row["verdict"] for row in rows if row["metric"]} == {
        "original": "not judged", "fp16-stored": "right", "int8-stored": "refused",
    }  # fmt: skip


def test_nothing_is_overwritten(models, tmp_path, capsys):
    (tmp_path / "small").mkdir()
    assert (shrink(models, "-o", tmp_path / "small"), "exists" in capsys.readouterr().err) == (7, True)


@pytest.mark.parametrize(("words", "code"), [
    (["no-such-place"], 3), ([".", "--tier", "quantize"], 2), ([".", "--samples", "no-such-place"], 3),
    ([".", "--picture", "picture.gif"], 2),
])  # fmt: skip
def test_what_cannot_be_done_is_one_line(words, code, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert (shrink(*words), len(capsys.readouterr().err.splitlines())) == (code, 1)
