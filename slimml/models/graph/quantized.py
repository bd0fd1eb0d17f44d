"""Graphs whose activations or weights are computed in fewer bits, and graphs optimised ahead: the third tier.

None of these may be taken without a check on real inputs. Their makers are onnxruntime's; what they raise, or ruin, is
the caller's to find out. Weights in Constant nodes, which the makers stumble on, become initializers first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.models.graph import lossless, reading
from slimml.models.unsuitable import Unsuitable

if TYPE_CHECKING:
    import onnx

    from slimml.models.graph.check import Feed

DYNAMIC = ("MatMul", "Gemm", "Gather")
"""what int8 activations pay for on a processor; Conv becomes ConvInteger, which is slow (onnxruntime #12854, #6732)"""
STATIC = ("Conv", "MatMul")
STATIC_OPSET = 13
"""below it QuantizeLinear has no axis, and per-channel scales make an invalid model"""
MOST_CALIBRATION = 16
"""samples; more made the OCR model of our tests no better"""
INT4_BLOCK = 32
"""weights that share a scale"""
INT4_ACCURACY = 4
"""compute in int8, which MatMulNBits needs in order to be fast"""


def dynamic_int8(source: Path, target: Path, *, operators: Sequence[str] | None = DYNAMIC) -> None:
    """int8 weights, activations quantized as they come; `operators` None is what the library does by itself."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = _tidied(source)
    quantize_dynamic(
        model,
        str(target),
        op_types_to_quantize=None if operators is None else list(operators),
        per_channel=True,
        weight_type=QuantType.QInt8,
    )


def static_int8(source: Path, target: Path, feeds: Sequence[Feed], *, reduce_range: bool = False) -> None:
    """int8 weights and activations with scales found on `feeds`, as QuantizeLinear and DequantizeLinear around
    Conv and MatMul. `reduce_range` takes 7 bits, which processors without VNNI do not overflow on.
    """
    import onnx
    from onnx import version_converter
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    if not feeds:
        raise Unsuitable("static int8 needs samples")
    model = _tidied(source)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if opset < STATIC_OPSET:
        model = version_converter.convert_version(model, STATIC_OPSET)
        onnx.checker.check_model(model)
    quantize_static(
        model,
        str(target),
        _Reader(feeds[:MOST_CALIBRATION]),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(STATIC),
        per_channel=True,
        reduce_range=reduce_range,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def int4(source: Path, target: Path) -> None:
    """Weights of MatMul in blocks of int4, of the rest in int8 or half precision; needs slimml[int4]."""
    try:
        from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
    except ImportError:
        raise Unsuitable("int4 needs slimml[int4]") from None
    from slimml.models.graph import stored

    maker = MatMulNBitsQuantizer(
        _tidied(source), bits=4, block_size=INT4_BLOCK, is_symmetric=True, accuracy_level=INT4_ACCURACY
    )
    maker.process()
    model = maker.model.model
    if not any(node.op_type == "MatMulNBits" for node in model.graph.node):
        raise Unsuitable("no MatMul in it has weights to quantize")
    stored.store_int8(model)
    reading.save(model, target)


def optimised(source: Path, target: Path) -> None:
    """The graph as onnxruntime has it after its own optimisation for this machine's processor."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])


class _Reader:
    """Samples one after another, as the calibration asks for them."""

    def __init__(self, feeds: Sequence[Feed]) -> None:
        self._left = list(feeds)

    def get_next(self) -> Any:
        """The next sample, None after the last."""
        return self._left.pop(0) if self._left else None

    def set_range(self, start_index: int, end_index: int) -> None:
        """Asked by the calibration in strides; all samples fit in one."""
        del start_index, end_index

    def __len__(self) -> int:
        return len(self._left)


def _tidied(source: Path) -> onnx.ModelProto:
    model = reading.load(source)
    lossless.tidy(model)
    return model
