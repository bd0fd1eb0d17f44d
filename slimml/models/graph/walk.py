"""The graphs of a model, one inside another, and which nodes read a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

DEEPEST = 32
"""how far branches and loops are followed into each other"""


def graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto]:
    """The main graph, then those of branches and loops."""
    yield from within(model.graph)


def within(graph: onnx.GraphProto, depth: int = 0) -> Iterator[onnx.GraphProto]:
    """`graph` and the graphs inside it."""
    yield graph
    if depth >= DEEPEST:
        return
    for node in graph.node:
        for field in node.attribute:
            for inner in [field.g] if field.HasField("g") else field.graphs:
                yield from within(inner, depth + 1)


def readers(graph: onnx.GraphProto) -> dict[str, list[tuple[onnx.NodeProto, int]]]:
    """By the name of a value: the nodes, here or further inside, that read it, each with the number of the input."""
    found: dict[str, list[tuple[onnx.NodeProto, int]]] = {}
    for inner in within(graph):
        for node in inner.node:
            for number, name in enumerate(node.input):
                found.setdefault(name, []).append((node, number))
    return found


def results(graph: onnx.GraphProto) -> set[str]:
    """The names that `graph` or a graph inside it gives back."""
    return {value.name for inner in within(graph) for value in inner.output}


def fixed_weights(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    """The initializers that nobody can override and that are not themselves a result."""
    taken = {value.name for value in graph.input} | results(graph)
    return [tensor for tensor in graph.initializer if tensor.name not in taken]
