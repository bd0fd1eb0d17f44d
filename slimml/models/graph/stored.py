"""Weights stored in fewer bits that the runtime makes fp32 again when it loads the model: the second tier.

A weight W becomes a smaller initializer and standard nodes that give W back: `Cast` of half precision, or `Cast → Mul`
of int8 with a scale for each channel. Runtimes fold both when they load (asked for in onnxruntime #15456), so the
activations stay fp32 and a run costs what it did. DequantizeLinear would do the same arithmetic, but is not folded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slimml.models.graph.walk import fixed_weights, graphs, readers

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

    Reads = list[tuple[onnx.NodeProto, int]]

FOLDED_UP_TO = 1 << 30
"""bytes in fp32; onnxruntime does not fold what is larger"""
SMALLEST = 1024
"""elements; below, the added nodes weigh more than what is saved"""
HALF_ERROR = 1e-3
"""the relative error (Frobenius norm) at most for a weight in half precision; 2⁻¹¹ is what rounding gives"""
INT8_ERROR = 0.05
"""the same in int8: 0.01 is usual, and more means outliers that this form does not suit"""
USUAL = 95
"""percent of a weight's values that count in full for its error in int8"""
OLDEST_OPSET = 7
"""from here on Mul broadcasts as numpy does"""


@dataclass(frozen=True)
class Stored:
    """How many weights are stored in half precision and in int8, how many in fp32 as before, and the worst error."""

    half: int = 0
    int8: int = 0
    kept: int = 0
    worst: float = 0.0


def store_half(model: onnx.ModelProto) -> Stored:
    """Store fp32 weights in half precision, in place."""
    return _store(model, eight_bits=False)


def store_int8(model: onnx.ModelProto) -> Stored:
    """Store fp32 weights in int8 where the operator has channels to scale, else in half precision; in place."""
    return _store(model, eight_bits=True)


def _store(model: onnx.ModelProto, *, eight_bits: bool) -> Stored:
    from onnx import TensorProto

    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < OLDEST_OPSET:
        return Stored()
    half = int8 = kept = 0
    worst = 0.0
    for graph in graphs(model):
        reads = readers(graph)
        added: list[onnx.NodeProto] = []
        for tensor in fixed_weights(graph):
            if tensor.data_type != TensorProto.FLOAT or tensor.name not in reads:
                continue
            count = math.prod(tensor.dims)
            if count < SMALLEST or count * 4 > FOLDED_UP_TO:
                continue
            error = _to_int8(graph, tensor, reads[tensor.name], added) if eight_bits else None
            if error is not None:
                int8 += 1
            else:
                error = _to_half(graph, tensor, added)
                half += error is not None
                kept += error is None
            worst = max(worst, error or 0.0)
        _put_first(graph, added)
    return Stored(half, int8, kept, worst)


def _to_half(graph: onnx.GraphProto, tensor: onnx.TensorProto, added: list[onnx.NodeProto]) -> float | None:
    """Store it in half precision; the relative error, None where it is too large and nothing was done."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.to_array(tensor)
    with np.errstate(over="ignore"):
        small = weight.astype(np.float16)
    error = relative_error(weight, small)
    if not error <= HALF_ERROR:
        return None
    name = tensor.name
    added.append(helper.make_node("Cast", [f"{name}__f16"], [name], to=TensorProto.FLOAT, name=f"{name}__cast"))
    tensor.CopyFrom(numpy_helper.from_array(small, f"{name}__f16"))
    return error


def _to_int8(
    graph: onnx.GraphProto, tensor: onnx.TensorProto, reads: Reads, added: list[onnx.NodeProto]
) -> float | None:
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    axes = summed_axes(reads, len(tensor.dims))
    if axes is None:
        return None
    weight = numpy_helper.to_array(tensor)
    if not np.isfinite(weight).all():
        return None
    scale = np.abs(weight).max(axis=axes, keepdims=True).astype(np.float32) / np.float32(127)
    scale[scale == 0] = 1
    steps = np.clip(np.rint(weight / scale), -127, 127).astype(np.int8)
    error = relative_error(weight, steps.astype(np.float32) * scale, USUAL)
    if not error <= INT8_ERROR:
        return None
    name = tensor.name
    added.append(
        helper.make_node("Cast", [f"{name}__i8"], [f"{name}__f32"], to=TensorProto.FLOAT, name=f"{name}__cast")
    )
    added.append(helper.make_node("Mul", [f"{name}__f32", f"{name}__scale"], [name], name=f"{name}__mul"))
    tensor.CopyFrom(numpy_helper.from_array(steps, f"{name}__i8"))
    graph.initializer.append(numpy_helper.from_array(scale, f"{name}__scale"))
    return error


def summed_axes(reads: Reads, rank: int) -> tuple[int, ...] | None:
    """The axes of a weight that its operators sum over, which share a scale; None where the operators do not say."""
    found = {_summed_by(node, number, rank) for node, number in reads}
    return found.pop() if len(found) == 1 else None


def _summed_by(node: onnx.NodeProto, number: int, rank: int) -> tuple[int, ...] | None:
    if rank < 2:
        return None
    flags = {field.name: field.i for field in node.attribute}
    match node.op_type, number:
        case "Conv", 1:
            return tuple(range(1, rank))
        case "ConvTranspose", 1:
            return (0, *range(2, rank))
        case "MatMul", 1:
            return (rank - 2,)
        case "MatMul", 0:
            return (rank - 1,)
        case "Gemm", 1:
            return (1,) if flags.get("transB") else (0,)
        case "Gather", 0:
            return tuple(range(1, rank)) if flags.get("axis", 0) == 0 else None
        case (("LSTM" | "GRU" | "RNN"), (1 | 2)):
            return (rank - 1,)
    return None


def relative_error(weight: NDArray[Any], stored: NDArray[Any], usual: float = 100.0) -> float:
    """‖stored − weight‖ / ‖weight‖ (Frobenius), in double precision; not a number where a value is none.

    In the norm of the weight no value counts for more than the one that `usual` percent are below: where steps are as
    wide as outliers ask for, those would hide that all others were rounded away.
    """
    import numpy as np

    with np.errstate(all="ignore"):
        old = weight.astype(np.float64).ravel()
        counted = np.minimum(np.abs(old), float(np.percentile(np.abs(old), usual))) if usual < 100 else old
        size = float(np.linalg.norm(counted))
        apart = float(np.linalg.norm(stored.astype(np.float64).ravel() - old))
    if math.isinf(size) or math.isinf(apart):
        return math.nan
    return apart / size if size else apart


def _put_first(graph: onnx.GraphProto, added: list[onnx.NodeProto]) -> None:
    """Nodes stand in the order in which they can run, and these need nothing but weights."""
    if not added:
        return
    import onnx

    rest = []
    for node in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        rest.append(copy)
    del graph.node[:]
    graph.node.extend([*added, *rest])
