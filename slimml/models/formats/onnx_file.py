"""ONNX: a ModelProto read from the wire (onnx/onnx.proto), weights only located, never loaded.

Weights are initializers, and the `value` of Constant nodes; both also inside the graphs of If, Loop and Scan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from slimml.models.content import MOST_TENSORS, Content, Unreadable, elements_of
from slimml.models.formats.protobuf import BYTES, VARINT, Field, fields, integers, words
from slimml.models.model_file import ExternalFile, Format, Leftover, ModelFile, Tensor, bytes_by_dtype

_MODEL: Final = {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}
_GRAPH, _TRAINING, _FUNCTION = 7, 20, 25
_DEEPEST: Final = 16
_EXTERNAL: Final = 1

DTYPES: Final = {
    1: ("F32", 32), 2: ("U8", 8), 3: ("I8", 8), 4: ("U16", 16), 5: ("I16", 16), 6: ("I32", 32), 7: ("I64", 64),
    8: ("STRING", 0), 9: ("BOOL", 8), 10: ("F16", 16), 11: ("F64", 64), 12: ("U32", 32), 13: ("U64", 64),
    14: ("C64", 64), 15: ("C128", 128), 16: ("BF16", 16), 17: ("F8_E4M3", 8), 18: ("F8_E4M3FNUZ", 8),
    19: ("F8_E5M2", 8), 20: ("F8_E5M2FNUZ", 8), 21: ("U4", 4), 22: ("I4", 4), 23: ("F4", 4), 24: ("F8_E8M0", 8),
    25: ("U2", 2), 26: ("I2", 2),
}  # fmt: skip
"""TensorProto.DataType: the word for it, and the bits of one element (0 where they vary)"""

_TYPED_BYTES: Final = {4: 4, 10: 8}
"""float_data and double_data hold fixed widths; the other typed fields hold varints, counted as they are stored."""


def is_onnx(content: Content) -> bool:
    """Whether the content is a ModelProto: known fields only, a graph among them that has nodes or initializers.

    Raises Unreadable where it begins like one and ends in the middle.
    """
    head = content.head(2)
    if len(head) < 2 or head[0] not in (0x08, 0x12, 0x3A, 0x42):
        return False
    graph = None
    opset = False
    for one in fields(content):
        if one.number not in _MODEL or (one.number in (1, 5)) != (one.kind == VARINT):
            return False
        if one.number == _GRAPH:
            graph = one
        opset = opset or one.number == 8
    return graph is not None and opset and _is_graph(content, graph)


def _is_graph(content: Content, graph: Field) -> bool:
    return any(one.number in (1, 5) and one.kind == BYTES for one in fields(content, graph.start, graph.end))


@dataclass
class _Seen:
    """What a walk over a model has found."""

    tensors: list[Tensor] = field(default_factory=list)
    external: dict[str, int] = field(default_factory=dict)
    constants: list[Tensor] = field(default_factory=list)
    in_graphs: int = 0
    training: int = 0

    def add(self, tensor: Tensor) -> None:
        self.tensors.append(tensor)
        if len(self.tensors) > MOST_TENSORS:
            raise Unreadable(f"more than {MOST_TENSORS:,} tensors")


def read_onnx(content: Content) -> ModelFile:
    """The model in `content`, which `is_onnx`; raises Unreadable."""
    seen = _Seen()
    opset = ir = 0
    for one in fields(content):
        if one.number == 1:
            ir = one.value
        elif one.number == 8:
            opset = max(opset, _opset(content, one))
        elif one.number == _GRAPH:
            _graph(content, one, seen, 0)
        elif one.number == _TRAINING:
            seen.training += one.size
        elif one.number == _FUNCTION:
            for inner in fields(content, one.start, one.end):
                if inner.number == 7:
                    _node(content, inner, seen, 1)
    leftovers = (Leftover("training_info", seen.training, "training graphs"),) if seen.training else ()
    return ModelFile(
        Format.ONNX,
        content.size,
        parameters=sum(tensor.elements for tensor in seen.tensors if tensor.dtype != "STRING"),
        bytes_by_dtype=bytes_by_dtype(seen.tensors),
        tensors=tuple(seen.tensors),
        leftovers=leftovers,
        external=tuple(ExternalFile(path, size) for path, size in sorted(seen.external.items())),
        remarks=tuple(_remarks(seen, ir, opset)),
    )


def _remarks(seen: _Seen, ir: int, opset: int) -> Iterator[str]:
    yield f"IR version {ir}, opset {opset}"
    if seen.constants:
        total = sum(tensor.bytes for tensor in seen.constants)
        yield f"{total:,} bytes of weights are in {len(seen.constants):,} Constant nodes, not in initializers"
    if seen.in_graphs:
        yield f"{seen.in_graphs:,} bytes of weights are inside subgraphs (If, Loop, Scan), which quantizers miss"
    for path in sorted(seen.external):
        if path.startswith("/") or ".." in path.split("/"):
            yield f"external data outside the model's directory: {path}"


def _opset(content: Content, one: Field) -> int:
    """The version, where the domain is ONNX's own."""
    version, domain = 0, ""
    for inner in fields(content, one.start, one.end):
        if inner.number == 1:
            domain = words(content, inner)
        elif inner.number == 2 and inner.kind == VARINT:
            version = inner.value
    return version if domain in ("", "ai.onnx") else 0


def _graph(content: Content, graph: Field, seen: _Seen, depth: int) -> None:
    if depth > _DEEPEST:
        raise Unreadable(f"graphs nested more than {_DEEPEST} deep")
    for one in fields(content, graph.start, graph.end):
        if one.kind != BYTES:
            continue
        if one.number == 1:
            _node(content, one, seen, depth)
        elif one.number == 5:
            _keep(seen, _tensor(content, one, seen), depth)
        elif one.number == 15:
            for inner in fields(content, one.start, one.end):
                if inner.number in (1, 2) and inner.kind == BYTES:
                    _keep(seen, _tensor(content, inner, seen), depth)


def _keep(seen: _Seen, tensor: Tensor, depth: int) -> None:
    seen.add(tensor)
    if depth:
        seen.in_graphs += tensor.bytes


def _node(content: Content, node: Field, seen: _Seen, depth: int) -> None:
    output = operator = ""
    attributes = []
    for one in fields(content, node.start, node.end):
        if one.number == 2 and not output:
            output = words(content, one)
        elif one.number == 4:
            operator = words(content, one)
        elif one.number == 5 and one.kind == BYTES:
            attributes.append(one)
    for attribute in attributes:
        for one in fields(content, attribute.start, attribute.end):
            if one.kind != BYTES:
                continue
            if one.number in (5, 10):
                tensor = _tensor(content, one, seen, output)
                _keep(seen, tensor, depth)
                if operator == "Constant":
                    seen.constants.append(tensor)
            elif one.number in (6, 11):
                _graph(content, one, seen, depth + 1)


def _tensor(content: Content, one: Field, seen: _Seen, named: str = "") -> Tensor:
    shape: list[int] = []
    kind = location = stored = 0
    raw: Field | None = None
    name = named
    place: dict[str, str] = {}
    for inner in fields(content, one.start, one.end):
        if inner.number == 1:
            shape += integers(content, inner)
        elif inner.number == 2 and inner.kind == VARINT:
            kind = inner.value
        elif inner.number in (4, 5, 6, 7, 10, 11):
            stored += inner.size if inner.kind in (BYTES, VARINT) else _TYPED_BYTES.get(inner.number, 8)
        elif inner.number == 8:
            name = words(content, inner) or named
        elif inner.number == 9 and inner.kind == BYTES:
            raw = inner
        elif inner.number == 13:
            _entry(content, inner, place)
        elif inner.number == 14:
            location = inner.value
    if kind not in DTYPES:
        raise Unreadable(f"tensor {name[:100]!r} is of data type {kind}, which ONNX does not have")
    dtype, bits = DTYPES[kind]
    size = (elements_of(tuple(shape)) * bits + 7) // 8
    if location == _EXTERNAL:
        return _external(Tensor(name, dtype, tuple(shape), size), place, seen)
    if raw is None:
        return Tensor(name, dtype, tuple(shape), stored)
    if raw.size != size:
        raise Unreadable(f"tensor {name[:100]!r} has {raw.size:,} bytes, its shape takes {size:,}")
    return Tensor(name, dtype, tuple(shape), size, raw.start)


def _external(tensor: Tensor, place: dict[str, str], seen: _Seen) -> Tensor:
    path, offset, length = place.get("location", ""), place.get("offset", "0"), place.get("length", "")
    if not path or not _number(offset) or (length and not _number(length)):
        raise Unreadable(f"tensor {tensor.name[:100]!r} does not say where its external data are")
    if length and int(length) != tensor.bytes:
        raise Unreadable(f"tensor {tensor.name[:100]!r} has {length} external bytes, its shape takes {tensor.bytes:,}")
    seen.external[path] = max(seen.external.get(path, 0), int(offset) + tensor.bytes)
    return Tensor(tensor.name, tensor.dtype, tensor.shape, tensor.bytes, int(offset), path)


def _number(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) < 20


def _entry(content: Content, one: Field, place: dict[str, str]) -> None:
    key = value = ""
    for inner in fields(content, one.start, one.end):
        if inner.number == 1:
            key = words(content, inner)
        elif inner.number == 2:
            value = words(content, inner)
    place[key] = value
