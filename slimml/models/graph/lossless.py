"""What goes from an ONNX graph without a bit of a weight changing: the first tier.

Constant nodes become initializers (which is what every quantizer and the external form look for), weights that nothing
reads go, equal weights are kept once, and so do the texts and graphs of training.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from slimml.models.graph.walk import fixed_weights, graphs, readers, results, within

if TYPE_CHECKING:
    import onnx

SHARED_FROM = 1024
"""bytes; smaller equal weights are not worth a name of their own"""


def tidy(model: onnx.ModelProto) -> list[str]:
    """Do all of it in place; what was done, in words."""
    done = [
        _told(constants_to_initializers(model), "constant node to weights", "constant nodes to weights"),
        _told(drop_training(model), "leftover of training dropped", "leftovers of training dropped"),
        _told(drop_unread(model), "unread weight dropped", "unread weights dropped"),
        _told(share_equal(model), "equal weight kept once", "equal weights kept once"),
    ]
    return [words for words in done if words]


def constants_to_initializers(model: onnx.ModelProto) -> int:
    """Turn Constant nodes that hold a tensor into initializers of their graph; how many."""
    count = 0
    for graph in graphs(model):
        given_back = {value.name for value in graph.output}
        kept = []
        for node in graph.node:
            field = node.attribute[0] if len(node.attribute) == 1 else None
            if node.op_type != "Constant" or field is None or field.name != "value" or node.output[0] in given_back:
                kept.append(node)
                continue
            weight = graph.initializer.add()
            weight.CopyFrom(field.t)
            weight.name = node.output[0]
            count += 1
        if len(kept) < len(graph.node):
            nodes = [_copy(node) for node in kept]
            del graph.node[:]
            graph.node.extend(nodes)
    return count


def drop_training(model: onnx.ModelProto) -> int:
    """Take out training graphs and the exporters' notes on nodes (stack traces, mostly); how many."""
    count = len(model.training_info)
    model.ClearField("training_info")
    for graph in graphs(model):
        for node in graph.node:
            if node.doc_string or node.metadata_props:
                count += 1
                node.ClearField("doc_string")
                node.ClearField("metadata_props")
        for tensor in graph.initializer:
            tensor.ClearField("doc_string")
    return count


def drop_unread(model: onnx.ModelProto) -> int:
    """Take out weights that no node reads and that are no result; how many."""
    count = 0
    for graph in graphs(model):
        read = readers(graph).keys() | results(graph) | {value.name for value in graph.input}
        for number in range(len(graph.initializer) - 1, -1, -1):
            if graph.initializer[number].name not in read:
                del graph.initializer[number]
                count += 1
    return count


def share_equal(model: onnx.ModelProto) -> int:
    """Keep equal weights once, in the main graph when they are of different graphs; how many went."""
    groups: dict[tuple[object, ...], list[tuple[onnx.GraphProto, onnx.TensorProto]]] = {}
    for graph in graphs(model):
        for tensor in fixed_weights(graph):
            content = _content(tensor)
            if len(content) >= SHARED_FROM:
                key = (tensor.data_type, tuple(tensor.dims), hashlib.sha256(content).digest())
                groups.setdefault(key, []).append((graph, tensor))
    names = _all_names(model)
    count = 0
    for members in groups.values():
        if len(members) > 1:
            _keep_one(model, members, names)
            count += len(members) - 1
    return count


def weights_of(model: onnx.ModelProto) -> Counter[tuple[object, ...]]:
    """Every weight in the model by type, shape and content: what a lossless change has to keep."""
    found: Counter[tuple[object, ...]] = Counter()
    for graph in graphs(model):
        tensors = list(graph.initializer)
        tensors += [field.t for node in graph.node for field in node.attribute if field.HasField("t")]
        for tensor in tensors:
            found[tensor.data_type, tuple(tensor.dims), hashlib.sha256(_content(tensor)).digest()] += 1
    return found


def _keep_one(model: onnx.ModelProto, members: list[tuple[onnx.GraphProto, onnx.TensorProto]], names: set[str]) -> None:
    first_graph, first = members[0]
    name = first.name
    if any(graph is not first_graph for graph, _ in members):
        # Branches beside each other may use one name for different things, so the shared weight gets a new one.
        name = f"{first.name}__shared"
        while name in names:
            name += "_"
        names.add(name)
        kept = model.graph.initializer.add()
        kept.CopyFrom(first)
        kept.name = name
        gone = members
    else:
        gone = members[1:]
    for graph, tensor in gone:
        _rename_reads(graph, tensor.name, name)
        _remove(graph, tensor.name)


def _remove(graph: onnx.GraphProto, name: str) -> None:
    for number, tensor in enumerate(graph.initializer):
        if tensor.name == name:
            del graph.initializer[number]
            return


def _rename_reads(graph: onnx.GraphProto, old: str, new: str) -> None:
    for inner in within(graph):
        for node in inner.node:
            for number, name in enumerate(node.input):
                if name == old:
                    node.input[number] = new


def _all_names(model: onnx.ModelProto) -> set[str]:
    found: set[str] = set()
    for graph in graphs(model):
        found.update(value.name for value in graph.input)
        found.update(tensor.name for tensor in graph.initializer)
        found.update(name for node in graph.node for name in node.output)
    return found


def _content(tensor: onnx.TensorProto) -> bytes:
    if tensor.HasField("raw_data"):
        return bytes(tensor.raw_data)
    from onnx import numpy_helper

    if tensor.string_data:
        return b"\0".join(tensor.string_data)
    return bytes(numpy_helper.to_array(tensor).tobytes())


def _copy(node: onnx.NodeProto) -> onnx.NodeProto:
    import onnx

    found = onnx.NodeProto()
    found.CopyFrom(node)
    return found


def _told(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}" if count else ""
