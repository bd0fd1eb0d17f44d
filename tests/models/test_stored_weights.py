"""The second tier on ONNX graphs: smaller weights that the runtime makes fp32 again."""

import numpy as np
import onnx
import pytest
import tiny_models
from onnx import helper, numpy_helper

from slimml.models.graph import stored
from slimml.models.graph.stored import Stored

INPUT = np.random.default_rng(1).normal(size=(5, 64)).astype(np.float32)


def cosine(first, second):
    first, second = first.ravel().astype(float), second.ravel().astype(float)
    return first @ second / np.linalg.norm(first) / np.linalg.norm(second)


def test_half_precision_is_half_the_bytes():
    model = tiny_models.classifier()
    before = model.ByteSize()
    stored.store_half(model)
    assert model.ByteSize() < 0.53 * before


def test_int8_is_a_quarter_of_the_bytes():
    model = tiny_models.classifier(width=512)
    before = model.ByteSize()
    stored.store_int8(model)
    assert model.ByteSize() < 0.27 * before


@pytest.mark.parametrize("store", [stored.store_half, stored.store_int8])
def test_the_answers_hardly_move(store):
    model = tiny_models.embedder()
    before = tiny_models.run(model, input=INPUT)
    store(model)
    assert cosine(tiny_models.run(model, input=INPUT), before) > 0.9995


@pytest.mark.parametrize("store", [stored.store_half, stored.store_int8])
def test_the_result_is_valid_onnx(store):
    model = tiny_models.branches(np.random.default_rng(2).normal(size=(64, 32)).astype(np.float32))
    store(model)
    onnx.checker.check_model(model, full_check=True)


def test_a_convolution_has_a_scale_for_each_channel():
    model = tiny_models.convolution()
    stored.store_int8(model)
    scales = next(tensor for tensor in model.graph.initializer if tensor.name == "kernel__scale")
    assert list(scales.dims) == [64, 1, 1, 1]


def test_the_runtime_folds_what_was_stored(tmp_path):
    import onnxruntime

    model = tiny_models.classifier()
    stored.store_int8(model)
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "folded.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    folded = onnx.load(tmp_path / "folded.onnx")
    assert not {node.op_type for node in folded.graph.node} & {"Cast", "Mul"}


def test_weights_beyond_half_precision_stay():
    model = tiny_models.classifier()
    weight = numpy_helper.to_array(model.graph.initializer[0]) * np.float32(1e6)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, "first"))
    assert stored.store_half(model) == Stored(half=1, int8=0, kept=1, worst=pytest.approx(2e-4, rel=0.5))


def test_outliers_go_to_half_precision():
    model = tiny_models.classifier()
    weight = numpy_helper.to_array(model.graph.initializer[0]).copy()
    weight[0] *= 200
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weight, "first"))
    assert stored.store_int8(model).half == 1


def test_a_weight_that_two_operators_read_along_other_axes_goes_to_half_precision():
    square = np.random.default_rng(3).normal(size=(64, 64)).astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["input", "square"], ["once"]),
        helper.make_node("MatMul", ["square", "once"], ["output"]),
    ]
    model = tiny_models.model_of(nodes, {"square": square}, {"input": [64, 64]}, {"output": [64, 64]})
    assert (stored.store_int8(model).int8, stored.store_half(model).half) == (0, 0)


def test_nothing_is_stored_otherwise_in_graphs_that_cannot_broadcast():
    model = tiny_models.classifier()
    model.opset_import[0].version = 6
    assert stored.store_half(model) == Stored()
