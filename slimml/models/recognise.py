"""Tells what model a file is from its content, and reads it as far as that can be done without running anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from slimml.models.content import Content, Unreadable
from slimml.models.formats import (
    coreml,
    documents,
    gguf,
    keras,
    onnx_file,
    pickle_file,
    tensorflow,
    tflite,
    torch_file,
    trees,
    zip_members,
)
from slimml.models.formats import safetensors_file as safetensors
from slimml.models.formats.hdf5 import MAGIC as HDF5_MAGIC
from slimml.models.model_file import Format, ModelFile

HEAD_BYTES: Final = 16 << 10
"""how much of a file's beginning tells whether it may be a model"""
SMALLEST: Final = 16
"""bytes of the smallest file that is looked at"""

_MOST_GGUF_HEADER: Final = 64 << 20
_PROTOBUF_STARTS: Final = (b"\x08", b"\x0a", b"\x12", b"\x3a", b"\x42")
_PICKLE_NAMES: Final = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".ckpt", ".sav", ".model")

_LIBRARIES: Final = frozenset(
    {"sklearn", "xgboost", "lightgbm", "catboost", "torch", "keras", "tensorflow", "statsmodels", "spacy", "prophet"}
)
"""Libraries whose objects are models, also without an array in them"""

_Reader = Callable[[Content], ModelFile | None]
_Protobuf = tuple[Format, Callable[[Content], bool], _Reader, tuple[str, ...]]

_PROTOBUFS: Final[tuple[_Protobuf, ...]] = (
    (Format.ONNX, onnx_file.is_onnx, onnx_file.read_onnx, (".onnx", ".ort")),
    (Format.SAVED_MODEL, tensorflow.is_saved_model, tensorflow.read_saved_model, ("saved_model.pb",)),
    (Format.COREML, coreml.is_specification, coreml.read_specification, (".mlmodel",)),
    (Format.TF_GRAPH, tensorflow.is_graph, tensorflow.read_graph, (".pb",)),
)
"""Formats that have no magic number: how each is known, and the names by which a damaged one is"""


def recognise_file(path: Path, name: str | None = None) -> ModelFile | None:
    """The model in the file at `path`, None where it is none. `name` is what it is called, if not as `path` ends.

    A file that is damaged is a model all the same, with the reason in `unread`. Raises OSError.
    """
    with path.open("rb") as file:
        return recognise(Content.of(file), name or path.name)


def recognise(content: Content, name: str = "") -> ModelFile | None:
    """The model in `content`, None where it is none. The name decides only what a damaged file was meant to be."""
    if content.size < SMALLEST:
        return None
    head = content.head(HEAD_BYTES)
    for kind, reader in _by_magic(content, head):
        try:
            found = reader(content)
        except Unreadable as error:
            return _damaged(kind, content, error)
        if found is not None:
            return found if _is_plausible(found, head, name) else None
    return _protobuf(content, head, name) if head[:1] in _PROTOBUF_STARTS else None


def _is_plausible(found: ModelFile, head: bytes, name: str) -> bool:
    """Whether a pickle is a model's, or would run something: a list of words may begin like one, and many a program
    keeps its own data so.
    """
    if found.format not in (Format.PICKLE, Format.JOBLIB) or found.dangers:
        return True
    if found.unread:
        told = bool(found.calls) and pickle_file.is_binary(head)
        return told or name.lower().endswith(_PICKLE_NAMES)
    return bool(found.tensors or found.optimizer_bytes) or any(
        call.module.partition(".")[0] in _LIBRARIES for call in found.calls
    )


def needed_bytes(head: bytes, size: int, name: str) -> int | None:
    """How many bytes of a file of `size` bytes that begins with `head` are needed to tell what model it is.

    None when it is none, as far as its beginning and its name tell: for files that come by only once.
    """
    content = Content.of_bytes(head)
    if head[:4] == gguf.MAGIC:
        return min(size, _MOST_GGUF_HEADER)
    suggested = [kind for kind, _ in _by_magic(content, head)]
    if suggested == [Format.SAFETENSORS]:
        return min(size, safetensors.header_bytes(head) or 0, safetensors.MOST_HEADER_BYTES)
    if suggested or head[:1] in _PROTOBUF_STARTS or name.endswith(".index"):
        return size
    return None


def _damaged(kind: Format, content: Content, error: Unreadable) -> ModelFile:
    return ModelFile(kind, content.size, unread=str(error))


def _by_magic(content: Content, head: bytes) -> list[tuple[Format, _Reader]]:
    """The readers that a file's first, or last, bytes suggest."""
    magic = head[:4]
    found: list[tuple[Format, _Reader]] = []
    if magic == gguf.MAGIC:
        found.append((Format.GGUF, gguf.read_gguf))
    elif magic == zip_members.MAGIC:
        found.append((Format.TORCH_ZIP, _archive))
    elif head[:8] == HDF5_MAGIC:
        found.append((Format.KERAS_H5, keras.read_keras_h5))
    elif head[4:8] == tflite.MAGIC:
        found.append((Format.TFLITE, tflite.read_tflite))
    elif head.startswith(torch_file.LEGACY_HEAD):
        found.append((Format.TORCH_LEGACY, torch_file.read_torch_legacy))
    elif trees.LIGHTGBM.match(head):
        found.append((Format.LIGHTGBM, trees.read_lightgbm))
    elif trees.XGBOOST_UBJ.match(head):
        found.append((Format.XGBOOST, trees.read_xgboost_ubj))
    elif magic == trees.XGBOOST_BINARY:
        found.append((Format.XGBOOST, trees.read_xgboost_binary))
    elif head.lstrip()[:1] == b"{":
        found += _json(head)
    elif pickle_file.looks_like_pickle(head):
        found.append((Format.PICKLE, pickle_file.read_pickle))
    elif pickle_file.is_packed_pickle(content):
        found.append((Format.JOBLIB, pickle_file.read_packed_pickle))
    elif coreml.is_weights(content):
        found.append((Format.COREML, coreml.read_weights))
    elif (safetensors.header_bytes(head) or 0) > 0:
        found.append((Format.SAFETENSORS, safetensors.read_safetensors))
    elif tensorflow.is_variables(content):
        found.append((Format.TF_VARIABLES, tensorflow.read_variables))
    return found


def _json(head: bytes) -> list[tuple[Format, _Reader]]:
    if trees.XGBOOST_JSON.match(head) and b'"learner"' in head:
        return [(Format.XGBOOST, trees.read_xgboost_json)]
    kind = documents.kind_of(head)
    return [] if kind is None else [(kind, documents.read_document)]


def _archive(content: Content) -> ModelFile | None:
    """torch's or Keras's archive; None for any other zip, also a damaged one, which may be anything."""
    try:
        members = zip_members.members_of(content)
    except Unreadable:
        head = content.head(HEAD_BYTES)
        if b"/data.pkl" in head or b"model.weights.h5" in head:
            raise
        return None
    if torch_file.is_torch_zip(members):
        return torch_file.read_torch_zip(content, members)
    return keras.read_keras_zip(content, members) if keras.is_keras_zip(members) else None


def _protobuf(content: Content, head: bytes, name: str) -> ModelFile | None:
    damage: ModelFile | None = None
    for kind, is_one, reader, names in _PROTOBUFS:
        try:
            if not is_one(content):
                continue
        except Unreadable as error:
            if name.endswith(names):
                damage = damage or _damaged(kind, content, error)
            continue
        try:
            return reader(content)
        except Unreadable as error:
            return _damaged(kind, content, error)
    return damage
