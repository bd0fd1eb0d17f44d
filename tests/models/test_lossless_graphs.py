"""The first tier on ONNX graphs: what goes, and that no weight changes."""

import numpy as np
import onnx
import pytest
import tiny_models
from onnx import helper, numpy_helper

from slimml.models.graph import lossless, reading
from slimml.models.unsuitable import Unsuitable

INPUT = np.random.default_rng(1).normal(size=(5, 64)).astype(np.float32)


def test_constant_nodes_become_weights():
    model = tiny_models.classifier(constants=True)
    lossless.tidy(model)
    assert {tensor.name for tensor in model.graph.initializer} == {"first", "second"}


def test_a_tidied_graph_answers_the_same_bits():
    model = tiny_models.classifier(constants=True)
    before = tiny_models.run(model, input=INPUT)
    lossless.tidy(model)
    assert np.array_equal(tiny_models.run(model, input=INPUT), before)


def test_the_weights_are_those_that_were_there():
    model = tiny_models.classifier(constants=True)
    before = lossless.weights_of(model)
    lossless.tidy(model)
    assert lossless.weights_of(model) == before


def test_a_constant_that_is_a_result_stays_a_node():
    nodes = [tiny_models.constant("output", np.ones((2, 2), np.float32))]
    model = tiny_models.model_of(nodes, {}, {"input": [1]}, {"output": [2, 2]})
    lossless.tidy(model)
    assert [node.op_type for node in model.graph.node] == ["Constant"]


def test_notes_of_exporters_go():
    model = tiny_models.classifier()
    model.graph.node[0].doc_string = "File model.py, line 7, in forward" * 100
    lossless.tidy(model)
    assert not any(node.doc_string for node in model.graph.node)


def test_training_graphs_go():
    model = tiny_models.classifier()
    model.training_info.add().algorithm.CopyFrom(model.graph)
    lossless.tidy(model)
    assert not model.training_info


def test_unread_weights_go():
    model = tiny_models.classifier()
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4096, np.float32), "momentum"))
    lossless.tidy(model)
    assert "momentum" not in {tensor.name for tensor in model.graph.initializer}


def test_a_weight_that_the_caller_may_override_stays():
    model = tiny_models.classifier()
    model.graph.initializer.append(numpy_helper.from_array(np.ones(4096, np.float32), "default"))
    model.graph.input.append(helper.make_tensor_value_info("default", onnx.TensorProto.FLOAT, [4096]))
    lossless.tidy(model)
    assert "default" in {tensor.name for tensor in model.graph.initializer}


def test_equal_weights_of_two_branches_are_kept_once():
    weight = np.random.default_rng(2).normal(size=(64, 32)).astype(np.float32)
    model = tiny_models.branches(weight)
    lossless.tidy(model)
    assert model.ByteSize() < 1.3 * weight.nbytes


@pytest.mark.parametrize("sign", [1, -1])
def test_branches_with_a_shared_weight_answer_the_same_bits(sign):
    model = tiny_models.branches(np.random.default_rng(2).normal(size=(64, 32)).astype(np.float32))
    before = tiny_models.run(model, input=sign * np.abs(INPUT))
    lossless.tidy(model)
    assert np.array_equal(tiny_models.run(model, input=sign * np.abs(INPUT)), before)


def test_weights_beside_the_graph_are_read(tmp_path):
    model = tiny_models.classifier()
    before = lossless.weights_of(model)
    reading.save(model, tmp_path / "model.onnx", data="model.onnx.data")
    assert lossless.weights_of(reading.load(tmp_path / "model.onnx")) == before


def test_weights_beside_the_graph_answer_the_same_bits(tmp_path):
    model = tiny_models.classifier()
    before = tiny_models.run(model, input=INPUT)
    reading.save(model, tmp_path / "model.onnx", data="model.onnx.data")
    assert np.array_equal(tiny_models.run(tmp_path / "model.onnx", input=INPUT), before)


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "link", "missing"])
def test_no_weight_is_read_from_outside_the_directory(tmp_path, location):
    (tmp_path / "secret").write_bytes(bytes(1 << 20))
    place = tmp_path / "model"
    place.mkdir()
    (place / "link").symlink_to(tmp_path / "secret")
    model = tiny_models.classifier()
    reading.save(model, place / "model.onnx", data="weights")
    changed = onnx.load_model(str(place / "model.onnx"), load_external_data=False)
    for tensor in changed.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    (place / "model.onnx").write_bytes(changed.SerializeToString())
    with pytest.raises(Unsuitable):
        reading.load(place / "model.onnx")
