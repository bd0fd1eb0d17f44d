"""Make the recommender model: an embedding of 60,000 items and a small network, with weights from a fixed seed."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ITEMS, WIDTH = 60_000, 128


def main() -> None:
    """Write model.onnx."""
    random = np.random.default_rng(7)
    weights = {
        "items": random.normal(0, 0.1, (ITEMS, WIDTH)),
        "hidden": random.normal(0, 0.1, (WIDTH, WIDTH)),
        "user": random.normal(0, 0.1, (1, WIDTH)),
    }
    nodes = [
        helper.make_node("Gather", ["items", "ids"], ["rows"], axis=0),
        helper.make_node("MatMul", ["rows", "hidden"], ["mixed"]),
        helper.make_node("Relu", ["mixed"], ["active"]),
        helper.make_node("Mul", ["active", "user"], ["weighted"]),
        helper.make_node("ReduceMean", ["weighted"], ["score"], axes=[1], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "recommender",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, "model.onnx")


if __name__ == "__main__":
    main()
