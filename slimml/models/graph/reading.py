"""ONNX files as models in memory and back, with the weights that lie beside them.

Format: the ONNX specification, IR.md and ExternalData.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.errors import SlimmlError
from slimml.models.unsuitable import Unsuitable
from slimml.oci.beneath import directory, open_file

if TYPE_CHECKING:
    import onnx

INLINE_LIMIT = 2**31 - 1
"""bytes of one protobuf message, and so of a graph with its weights inside"""
MEMORY_LIMIT = 3 << 30
"""bytes of weights that are taken into memory"""
OLDEST_IR = 4
"""from here on a weight need not be listed among the inputs of the graph"""


def load(path: Path) -> onnx.ModelProto:
    """The model with all its weights inside; raises Unsuitable."""
    try:
        import onnx
    except ImportError:
        raise Unsuitable("reading ONNX needs slimml[onnx]") from None
    if path.stat().st_size > INLINE_LIMIT:
        raise Unsuitable("no ONNX file is larger than 2 GiB")
    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except Exception as error:
        # protobuf's own errors, which have moved between its versions
        raise Unsuitable(f"not a readable ONNX model ({_first_line(error)})") from None
    if not model.graph.node or not model.opset_import:
        raise Unsuitable("an ONNX model without a graph")
    if model.ir_version < OLDEST_IR:
        raise Unsuitable(f"its ONNX format is of IR version {model.ir_version}, older than {OLDEST_IR}")
    _take_in(model, path.parent)
    return model


def data_file_of(path: Path) -> str | None:
    """The one file beside `path` that holds weights, relative to it; None when there is none.

    Raises Unsuitable when there are several, or the model cannot be read.
    """
    import onnx

    try:
        model = onnx.load_model(str(path), load_external_data=False)
    except Exception as error:
        raise Unsuitable(f"not a readable ONNX model ({_first_line(error)})") from None
    found = {_external(tensor).get("location", "") for tensor in _stored(model) if _is_external(tensor)}
    if len(found) > 1:
        raise Unsuitable(f"its weights lie in {len(found)} files")
    return found.pop() if found else None


def save(model: onnx.ModelProto, path: Path, data: str | None = None) -> None:
    """Write the model to `path`, its weights inside, or in the file `data` beside it; raises Unsuitable.

    The same model gives the same bytes.
    """
    if data is not None:
        from onnx.external_data_helper import convert_model_to_external_data, write_external_data_tensors

        convert_model_to_external_data(model, all_tensors_to_one_file=True, location=data, size_threshold=1024)
        model = write_external_data_tensors(model, str(path.parent))
    try:
        content = model.SerializeToString(deterministic=True)
    except ValueError:
        raise Unsuitable("larger than the 2 GiB of an ONNX file with its weights inside") from None
    path.write_bytes(content)


def _take_in(model: onnx.ModelProto, place: Path) -> None:
    """Read the weights that lie beside the model into it; no path leads out of `place`."""
    import onnx

    outside = [tensor for tensor in _stored(model) if _is_external(tensor)]
    if not outside:
        return
    total = 0
    with directory(str(place)) as root:
        for tensor in outside:
            entry = _external(tensor)
            length = _byte_length(tensor)
            total += length
            if total > MEMORY_LIMIT:
                raise Unsuitable("its weights are more than 3 GiB")
            tensor.raw_data = _piece(root, entry, length)
            del tensor.external_data[:]
            tensor.data_location = onnx.TensorProto.DEFAULT


def _piece(root: int, entry: dict[str, str], length: int) -> bytes:
    location = entry.get("location", "")
    try:
        offset, told = int(entry.get("offset", 0)), int(entry.get("length", length))
        if offset < 0 or told != length:
            raise Unsuitable(f"{location} does not hold what the graph says")
        descriptor = open_file(root, location, location)
    except (SlimmlError, ValueError) as error:
        raise Unsuitable(f"its weights in {location or 'another file'} cannot be read: {_first_line(error)}") from None
    try:
        content = os.pread(descriptor, length, offset)
        while len(content) < length and (more := os.pread(descriptor, length - len(content), offset + len(content))):
            content += more
    finally:
        os.close(descriptor)
    if len(content) != length:
        raise Unsuitable(f"{location} ends early")
    return content


def _stored(model: onnx.ModelProto) -> list[onnx.TensorProto]:
    from slimml.models.graph.walk import graphs

    found = [tensor for graph in graphs(model) for tensor in graph.initializer]
    for graph in graphs(model):
        found += [field.t for node in graph.node for field in node.attribute if field.HasField("t")]
    return found


def _is_external(tensor: onnx.TensorProto) -> bool:
    import onnx

    return bool(tensor.data_location == onnx.TensorProto.EXTERNAL)


def _external(tensor: onnx.TensorProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


def _byte_length(tensor: onnx.TensorProto) -> int:
    from onnx import helper

    count = 1
    for length in tensor.dims:
        if length < 0:
            raise Unsuitable(f"the tensor {tensor.name} has a negative size")
        count *= length
    try:
        return count * int(helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    except KeyError:
        raise Unsuitable(f"the tensor {tensor.name} is of an unknown type") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
