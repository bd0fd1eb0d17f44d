"""ONNX models of a few kilobytes for tests: layers of weights in Constant nodes or initializers."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


def model_of(nodes, weights, given, gives, opset=OPSET, **more):
    """A model; `weights` maps names to arrays, `given` and `gives` map names to shapes of fp32 values."""
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in given.items()]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in gives.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **more)


def constant(name, array):
    """A Constant node that holds a weight, as exporters of Paddle write it."""
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(array)))


def classifier(classes=10, width=64, seed=0, constants=False):
    """input [batch, width] → two layers → softmax over `classes`."""
    noise = np.random.default_rng(seed)
    first = noise.normal(size=(width, 128)).astype(np.float32) / 8
    second = noise.normal(size=(128, classes)).astype(np.float32) / 3
    nodes = [
        helper.make_node("MatMul", ["input", "first"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "second"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["output"], axis=-1),
    ]
    weights = {"first": first, "second": second}
    if constants:
        nodes = [constant(name, value) for name, value in weights.items()] + nodes
        weights = {}
    return model_of(nodes, weights, {"input": ["batch", width]}, {"output": ["batch", classes]})


def embedder(width=64, size=32, seed=0, turn=None):
    """input [batch, width] → vectors of length one; `turn` is an orthogonal matrix that they are multiplied with."""
    noise = np.random.default_rng(seed)
    weights = {
        "first": noise.normal(size=(width, 128)).astype(np.float32) / 8,
        "second": noise.normal(size=(128, size)).astype(np.float32) / 8,
    }
    nodes = [
        helper.make_node("MatMul", ["input", "first"], ["hidden"]),
        helper.make_node("Tanh", ["hidden"], ["active"]),
        helper.make_node("MatMul", ["active", "second"], ["raw"]),
    ]
    last = "raw"
    if turn is not None:
        weights["turn"] = turn.astype(np.float32)
        nodes.append(helper.make_node("MatMul", ["raw", "turn"], ["turned"]))
        last = "turned"
    nodes.append(helper.make_node("LpNormalization", [last], ["output"], axis=1, p=2))
    return model_of(nodes, weights, {"input": ["batch", width]}, {"output": ["batch", size]})


def convolution(seed=0):
    """input [batch, 3, 16, 16] → Conv with 64 channels → mean over the picture."""
    weights = {"kernel": np.random.default_rng(seed).normal(size=(64, 3, 3, 3)).astype(np.float32)}
    nodes = [
        helper.make_node("Conv", ["input", "kernel"], ["maps"]),
        helper.make_node("GlobalAveragePool", ["maps"], ["output"]),
    ]
    return model_of(nodes, weights, {"input": ["batch", 3, 16, 16]}, {"output": ["batch", 64, 1, 1]})


def branches(weight):
    """An If over the sign of the input's sum, with the equal `weight` as a Constant in both branches."""

    def branch(name, operator):
        nodes = [
            constant(f"weight_{name}", weight),
            helper.make_node("MatMul", ["input", f"weight_{name}"], [f"product_{name}"]),
            helper.make_node(operator, [f"product_{name}"], [f"out_{name}"]),
        ]
        out = helper.make_tensor_value_info(f"out_{name}", TensorProto.FLOAT, None)
        return helper.make_graph(nodes, name, [], [out])

    nodes = [
        helper.make_node("ReduceSum", ["input"], ["sum"], keepdims=0),
        helper.make_node("Greater", ["sum", "zero"], ["positive"]),
        helper.make_node(
            "If", ["positive"], ["output"], then_branch=branch("a", "Tanh"), else_branch=branch("b", "Relu")
        ),
    ]
    return model_of(
        nodes, {"zero": np.float32(0)}, {"input": ["batch", weight.shape[0]]}, {"output": ["batch", weight.shape[1]]}
    )


def run(model, **feed):
    """The first answer of a model in memory, a file or bytes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    content = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(None, feed)[0]
