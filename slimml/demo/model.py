"""The demo's model: a recommender of 20,000 items in the ONNX format, with weights from a fixed seed."""

from pathlib import Path

ITEMS, WIDTH = 20_000, 128


def write_model(model: Path, checkpoint: Path) -> None:
    """Write the model, and the same weights once more as the checkpoint that training left (10 MB each)."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(7)
    shapes = {"embedding": (ITEMS, WIDTH), "hidden": (WIDTH, WIDTH), "user": (1, WIDTH)}
    weights = {name: random.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    nodes = [
        helper.make_node("Gather", ["embedding", "items"], ["rows"], axis=0),
        helper.make_node("MatMul", ["rows", "hidden"], ["mixed"]),
        helper.make_node("Relu", ["mixed"], ["active"]),
        helper.make_node("Mul", ["active", "user"], ["weighted"]),
        helper.make_node("ReduceMean", ["weighted"], ["scores"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "recommender",
        [helper.make_tensor_value_info("items", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    # Old enough numbers for every onnxruntime that the extra `demo` allows.
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    onnx.save(made, str(model))
    np.savez(checkpoint, **weights)  # type: ignore[arg-type]
