"""Keras: models and weights in HDF5 (Keras 2, the weights of Keras 3), and the `.keras` archive of Keras 3."""

from __future__ import annotations

from typing import Final

from slimml.models.content import MOST_AT_ONCE, Content, Unreadable
from slimml.models.formats.hdf5 import Dataset, Hdf5, read_hdf5
from slimml.models.formats.safetensors_file import parse_json
from slimml.models.formats.zip_members import STORED, Member, data_offset, member_content
from slimml.models.model_file import Format, Leftover, ModelFile, Tensor, bytes_by_dtype

_ATTRIBUTES: Final = {"keras_version", "model_config", "layer_names", "backend"}
_GROUPS: Final = {"model_weights", "layers", "_layer_checkpoint_dependencies"}
_OPTIMIZERS: Final = ("optimizer_weights", "optimizer")
_WEIGHTS: Final = "model.weights.h5"
_MOST_WEIGHTS: Final = 16 << 30
_CONFIG: Final = "config.json"


def is_keras(found: Hdf5) -> bool:
    """Whether an HDF5 file is of Keras, by its attributes and its groups."""
    return not _ATTRIBUTES.isdisjoint(found.attributes) or not _GROUPS.isdisjoint(found.groups)


def read_keras_h5(content: Content) -> ModelFile | None:
    """The model or weights in an HDF5 file, None where it is not of Keras; raises Unreadable."""
    found = read_hdf5(content)
    return _summary(Format.KERAS_H5, content.size, found, 0) if is_keras(found) else None


def is_keras_zip(members: list[Member]) -> bool:
    """Whether an archive is a `.keras` file."""
    names = {member.name for member in members}
    return _CONFIG in names and "metadata.json" in names


def read_keras_zip(content: Content, members: list[Member]) -> ModelFile:
    """The model in a `.keras` archive; raises Unreadable."""
    inner = {member.name: member for member in members}
    config = member_content(content, inner[_CONFIG], MOST_AT_ONCE)
    told = parse_json(config.at(0, config.size))
    remarks = (
        [f"class {told['class_name'][:60]}"] if isinstance(told, dict) and _is_word(told.get("class_name")) else []
    )
    remarks += _code(told)
    weights = inner.get(_WEIGHTS)
    if weights is None:
        raise Unreadable(f"no {_WEIGHTS} in it")
    # Weights in an archive are mapped where they lie; an archive that compresses them must be small.
    most = _MOST_WEIGHTS if weights.method == STORED else MOST_AT_ONCE
    found = read_hdf5(member_content(content, weights, most))
    first = data_offset(content, weights) if weights.method == STORED else None
    return _summary(Format.KERAS_ZIP, content.size, found, first, remarks)


def _code(told: object) -> list[str]:
    """Lambda layers hold Python's own code, which loading may run."""
    return ["it has Lambda layers: loading it with safe_mode=False runs code"] if _has_lambda(told) else []


def _has_lambda(told: object) -> bool:
    waiting, looked = [told], 0
    while waiting and looked < 1_000_000:
        one = waiting.pop()
        looked += 1
        if isinstance(one, dict):
            if one.get("class_name") in ("Lambda", "__lambda__"):
                return True
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
    return False


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value.isidentifier()


def _summary(kind: Format, size: int, found: Hdf5, first: int | None, remarks: list[str] | None = None) -> ModelFile:
    tensors, optimizer = [], 0
    for one in found.datasets:
        if one.path.partition("/")[0] in _OPTIMIZERS:
            optimizer += one.bytes
        else:
            tensors.append(_tensor(one, first))
    every = [_tensor(one, first) for one in found.datasets]
    told = list(remarks or [])
    if "training_config" in found.attributes:
        told.append("its training configuration is in it")
    return ModelFile(
        kind,
        size,
        parameters=sum(one.elements for one in tensors if one.dtype not in ("STRING", "OTHER")),
        bytes_by_dtype=bytes_by_dtype(every),
        tensors=tuple(tensors),
        optimizer_bytes=optimizer,
        leftovers=(Leftover("optimizer", optimizer, "optimizer state"),) if optimizer else (),
        remarks=tuple(told),
    )


def _tensor(one: Dataset, first: int | None) -> Tensor:
    at = first + one.offset if first is not None and one.offset is not None else None
    return Tensor(one.path, one.dtype, one.shape, one.bytes, at)
