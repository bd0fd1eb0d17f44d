"""What the pipeline of images calls: one file in, one file out or left alone, whatever the file is."""

import random

import mutations
import numpy as np
import onnx
import pytest
import tiny_models

from slimml.models.shrinker import Left, Shrunk, compact, lossless, quantize


@pytest.fixture
def model(tmp_path):
    """A classifier's file with an exporter's notes in it."""
    made = tiny_models.classifier(width=256, constants=True)
    made.graph.node[-1].doc_string = "File model.py, in forward\n" * 500
    onnx.save(made, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def test_the_first_tier_takes_notes_out(model, tmp_path):
    assert isinstance(lossless(model, tmp_path / "new"), Shrunk)


def test_the_first_tier_answers_the_same_bits(model, tmp_path):
    feed = np.random.default_rng(1).normal(size=(5, 256)).astype(np.float32)
    lossless(model, tmp_path / "new")
    assert np.array_equal(tiny_models.run(tmp_path / "new", input=feed), tiny_models.run(model, input=feed))


def test_the_second_tier_stores_weights_in_fewer_bits(model, tmp_path):
    compact(model, tmp_path / "new")
    assert (tmp_path / "new").stat().st_size < 0.35 * model.stat().st_size


def test_the_third_tier_computes_in_fewer_bits(model, tmp_path):
    assert quantize(model, tmp_path / "new") == Shrunk("MatMul, Gemm, Gather computed in int8")
    nodes = {node.op_type for node in onnx.load(tmp_path / "new").graph.node}
    assert {"DynamicQuantizeLinear", "MatMulInteger"} <= nodes
    assert (tmp_path / "new").stat().st_size < 0.35 * model.stat().st_size


def test_the_third_tier_answers_nearly_the_same(model, tmp_path):
    feed = np.random.default_rng(1).normal(size=(50, 256)).astype(np.float32)
    quantize(model, tmp_path / "new")
    before, after = (tiny_models.run(path, input=feed) for path in (model, tmp_path / "new"))
    assert (before.argmax(axis=-1) == after.argmax(axis=-1)).mean() >= 0.9


def test_a_model_of_convolutions_is_made_smaller_as_the_second_tier_does_it(tmp_path):
    onnx.save(tiny_models.convolution(), tmp_path / "old")
    assert isinstance(quantize(tmp_path / "old", tmp_path / "new"), Shrunk)
    compact(tmp_path / "old", tmp_path / "second")
    assert (tmp_path / "new").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("shrink", [lossless, compact, quantize])
def test_the_same_file_gives_the_same_bytes(model, tmp_path, shrink):
    for name in ("first", "second"):
        shrink(model, tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize("content", [b"", b"#!/bin/sh\necho hello\n" * 50, b"\x80\x04" + bytes(100), bytes(1000)])
def test_what_is_no_model_is_left(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert isinstance(compact(tmp_path / "file", tmp_path / "new"), Left)


def test_what_is_left_has_no_target(tmp_path):
    (tmp_path / "file").write_bytes(b"nothing")
    compact(tmp_path / "file", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_file_with_nothing_to_save_is_left(tmp_path):
    onnx.save(tiny_models.classifier(), tmp_path / "model.onnx")
    assert lossless(tmp_path / "model.onnx", tmp_path / "new") == Left("nothing in it to save")


def test_weights_in_another_file_are_left(tmp_path):
    made = tiny_models.classifier(width=256)
    onnx.save_model(made, tmp_path / "model.onnx", save_as_external_data=True, location="weights", size_threshold=0)
    assert compact(tmp_path / "model.onnx", tmp_path / "new") == Left("its weights lie in another file")


def test_a_graph_that_names_an_unknown_operator_is_left(tmp_path):
    made = tiny_models.classifier(width=256)
    made.graph.node[1].domain = "com.example"
    made.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    onnx.save(made, tmp_path / "model.onnx")
    assert isinstance(compact(tmp_path / "model.onnx", tmp_path / "new"), Left)


def test_damaged_graphs_are_shrunk_or_left_and_nothing_is_raised(model, tmp_path):
    """In this process, as in a worker: what onnx and onnxruntime make of damage is told in one line."""
    chance = random.Random(6)
    whole = model.read_bytes()
    for _ in range(250):
        data = mutations.damaged_bytes(whole, chance, chance.randint(1, 4))[: chance.choice([len(whole), 3000])]
        (tmp_path / "damaged.onnx").write_bytes(data)
        outcome = compact(tmp_path / "damaged.onnx", tmp_path / "new")
        assert isinstance(outcome, Shrunk) or "\n" not in outcome.reason
        (tmp_path / "new").unlink(missing_ok=True)
