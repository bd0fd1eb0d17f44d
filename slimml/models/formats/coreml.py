"""Core ML: the specification (Model.proto of coremltools), and the weights file of ML programs (MILBlob, version 2)."""

from __future__ import annotations

import struct
from typing import Final

from slimml.models.content import MOST_TENSORS, Content, Unreadable
from slimml.models.formats.protobuf import BYTES, VARINT, fields
from slimml.models.model_file import Format, ModelFile, Tensor, bytes_by_dtype

_TYPES: Final = {
    200: "pipeline classifier", 201: "pipeline regressor", 202: "pipeline", 300: "GLM regressor",
    301: "support vector regressor", 302: "tree ensemble regressor", 303: "neural network regressor",
    304: "Bayesian probit regressor", 400: "GLM classifier", 401: "support vector classifier",
    402: "tree ensemble classifier", 403: "neural network classifier", 404: "nearest neighbours classifier",
    500: "neural network", 501: "item similarity recommender", 502: "ML program", 555: "custom model",
    556: "linked model", 560: "class confidence thresholding", 600: "one-hot encoder", 601: "imputer",
    602: "feature vectorizer", 603: "dict vectorizer", 604: "scaler", 606: "categorical mapping", 607: "normalizer",
    609: "array feature extractor", 610: "non-maximum suppression", 900: "identity", 2000: "text classifier",
    2001: "word tagger", 2002: "vision feature print", 2003: "sound analysis", 2004: "gazetteer",
    2005: "word embedding", 2006: "audio feature print", 3000: "serialized model",
}  # fmt: skip
"""`Model.Type`, the one field that says what the model is"""
_ABOUT: Final = {1, 2, 10}

_BLOB_HEADER: Final = struct.Struct("<II56x")
_BLOB_ENTRY: Final = struct.Struct("<IIQQQ32x")
_SENTINEL: Final = 0xDEADBEEF
_BLOB_TYPES: Final = {
    1: "F16", 2: "F32", 3: "U8", 4: "I8", 5: "BF16", 6: "I16", 7: "U16", 8: "I4", 9: "U1", 10: "U2", 11: "U4",
    12: "U3", 13: "U6", 14: "I32", 15: "U32", 16: "F8_E4M3", 17: "F8_E5M2",
}  # fmt: skip
_BITS: Final = {"I4": 4, "U1": 1, "U2": 2, "U4": 4, "U3": 3, "U6": 6}


def is_specification(content: Content) -> bool:
    """Whether it is a Core ML model: version, description, and one field that says what it is; raises Unreadable."""
    if content.head(1) != b"\x08":
        return False
    found = [(one.number, one.kind) for one in fields(content)]
    if any(number not in _ABOUT and number not in _TYPES for number, _ in found):
        return False
    kinds = [number for number, kind in found if number in _TYPES and kind == BYTES]
    return len(kinds) == 1 and (1, VARINT) in found and (2, BYTES) in found


def read_specification(content: Content) -> ModelFile:
    """What a Core ML model says of itself; the weights of an ML program lie in another file, others are not counted."""
    version, what, own = 0, "", 0
    for one in fields(content):
        if one.number == 1:
            version = one.value
        elif one.number in _TYPES:
            what, own = _TYPES[one.number], one.size
    return ModelFile(
        Format.COREML,
        content.size,
        remarks=(f"{what}, specification version {version}", f"{own:,} bytes of program or weights in it"),
    )


def is_weights(content: Content) -> bool:
    """Whether it is the weights file of an ML program."""
    if content.size < _BLOB_HEADER.size + _BLOB_ENTRY.size:
        return False
    count, version = _BLOB_HEADER.unpack(content.head(_BLOB_HEADER.size))
    return version == 2 and count > 0 and content.integer(_BLOB_HEADER.size, 4) == _SENTINEL


def read_weights(content: Content) -> ModelFile:
    """The weights in `content`, which `is_weights`; raises Unreadable."""
    count, _ = _BLOB_HEADER.unpack(content.head(_BLOB_HEADER.size))
    if count > MOST_TENSORS:
        raise Unreadable(f"{count:,} weights, more than {MOST_TENSORS:,}")
    tensors = []
    at = _BLOB_HEADER.size
    for number in range(count):
        sentinel, kind, size, place, _ = _BLOB_ENTRY.unpack(content.at(at, _BLOB_ENTRY.size))
        if sentinel != _SENTINEL or place < at + _BLOB_ENTRY.size or place + size > content.size:
            raise Unreadable(f"weight {number:,} is not where the file says")
        dtype = _BLOB_TYPES.get(kind, "OTHER")
        digits = "".join(digit for digit in dtype.partition("_")[0] if digit.isdigit())
        tensors.append(Tensor(str(number), dtype, (size * 8 // _BITS.get(dtype, int(digits or "8")),), size, place))
        at = -(-(place + size) // 64) * 64
    return ModelFile(
        Format.COREML,
        content.size,
        parameters=sum(tensor.elements for tensor in tensors),
        bytes_by_dtype=bytes_by_dtype(tensors),
        tensors=tuple(tensors),
        remarks=("weights of an ML program",),
    )
