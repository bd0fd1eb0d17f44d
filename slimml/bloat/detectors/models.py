"""Models: the same weights in several formats, and what only training needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.detectors.frameworks import framework_of
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.links import link_targets
from slimml.bloat.path_facts import path_facts
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

_LEAST_BYTES = 1 << 20
_LOADERS = {
    "safetensors": "torch",
    "bin": "torch",
    "pt": "torch",
    "pth": "torch",
    "h5": "tensorflow",
    "keras": "tensorflow",
    "pb": "tensorflow",
    "msgpack": "jax",
    "onnx": "onnxruntime",
    "xml": "openvino",
    "tflite": "tflite",
    "ot": "",
    "mlmodel": "",
}
"""The framework that loads files of a suffix; "" for what nothing in Python on Linux loads."""

_ALSO_LOAD = {"tensorflow": {"tflite"}, "openvino": {"onnxruntime", "tensorflow"}, "tflite": set()}
_SUPERSEDED = {"bin": "safetensors"}
_PARTS = re.compile(r"[-_.]\d{5}-of-\d{5}")
_STEMS = {"pytorch_model": "model", "tf_model": "model", "flax_model": "model", "rust_model": "model"}
_SUBFOLDERS = frozenset({"onnx", "openvino", "coreml", "tflite", "tf", "flax"})
_TRAINING = re.compile(
    r"optimizer\.(pt|bin|pth|npz)|scheduler\.(pt|bin)|scaler\.pt|rng_state.*\.(pth|pt)|random_states.*\.pkl"
    r"|.*_optim_states\.pt|events\.out\.tfevents\..*|training_args\.bin"
)
_CHECKPOINT = re.compile(r"(checkpoint|epoch|step|global_step)[-_=]?(\d+)")


@dataclass(frozen=True)
class _File:
    """A model file: the rows to remove with it (itself, and what it links to), and its bytes."""

    rows: tuple[int, ...]
    suffix: str
    size: int


def models(inventory: Inventory) -> Iterator[Proposal]:
    """Weights beside the same weights in another format, states of optimizers, older checkpoints."""
    useless: list[int] = []
    either: list[int] = []
    loaders = _installed(inventory)
    for group in _groups(inventory):
        formats = {file.suffix for file in group}
        if len(formats) < 2:
            continue
        loaded = {suffix for suffix in formats if _LOADERS[suffix] in loaders}
        dead = {suffix for suffix in formats if loaded and suffix not in loaded}
        dead |= {suffix for suffix in loaded if _SUPERSEDED.get(suffix) in loaded}
        useless += [row for file in group if file.suffix in dead for row in file.rows]
        left = [file for file in group if file.suffix not in dead]
        sizes = {suffix: sum(file.size for file in left if file.suffix == suffix) for suffix in formats - dead}
        if len(sizes) > 1:
            largest = max(sizes, key=lambda suffix: sizes[suffix])
            either += [row for file in left if file.suffix != largest for row in file.rows]
    yield Proposal(
        "model-formats-unused",
        "Weights in formats that nothing here prefers to load",
        Risk.ASK,
        Action.DROP,
        np.array(sorted(set(useless)), dtype=np.int64),
        "Download one format: snapshot_download(…, ignore_patterns=['*.h5', '*.msgpack', 'pytorch_model*.bin']).",
        "the same weights lie beside them as safetensors, or in the format of the framework that is installed",
    )
    if either:
        yield Proposal(
            "model-formats",
            "The same model in several formats",
            Risk.ASK,
            Action.TELL,
            np.array(sorted(set(either)), dtype=np.int64),
            "Copy the format into the image that the service loads; convert in the build stage. The bytes are those of "
            "all formats but the largest.",
            "a service loads one of them; which one, the code knows",
        )
    yield from _training(inventory)


def _training(inventory: Inventory) -> Iterator[Proposal]:
    facts = path_facts(inventory)
    yield Proposal(
        "training-states",
        "States of optimizers and logs of training",
        Risk.ASK,
        Action.DROP,
        np.flatnonzero(facts.names_where(_TRAINING.fullmatch, among=facts.content & ~facts.in_site)),
        "Copy the final weights only, or save them with save_pretrained / torch.save(model.state_dict()).",
        "they serve to go on training; inference does not read them",
    )
    older = _older_checkpoints(inventory)
    yield Proposal(
        "older-checkpoints",
        "Checkpoints older than the last one beside them",
        Risk.ASK,
        Action.DROP,
        np.flatnonzero(facts.live & facts.beneath_positions(older)),
        "Copy the checkpoint that the service loads, and name the others in .dockerignore.",
        "a service loads one checkpoint, mostly the last; which one, the code knows",
    )


def _installed(inventory: Inventory) -> set[str]:
    found = {framework for owner in inventory.owners if (framework := framework_of(owner))}
    return found.union(*(_ALSO_LOAD.get(framework, set()) for framework in found))


def _groups(inventory: Inventory) -> Iterator[list[_File]]:
    """Model files outside of distributions, by the model that they seem to hold."""
    facts = path_facts(inventory)
    chosen = facts.content & ~facts.in_site & facts.suffixed(*_LOADERS) & (facts.kind != Kind.HARDLINK)
    rows = np.flatnonzero(chosen)
    grouped: dict[tuple[str, str], list[_File]] = {}
    for row, blob in zip(rows.tolist(), _contents(inventory, rows), strict=True):
        name = facts.names[int(facts.name[row])]
        stem, _, suffix = name.rpartition(".")
        size = int(facts.size[blob])
        if size < _LEAST_BYTES:
            continue
        directory = facts.directories[int(facts.directory[row])]
        parent, _, last = directory.rpartition("/")
        stem = _PARTS.sub("", stem)
        key = (parent if last in _SUBFOLDERS else directory, _STEMS.get(stem, stem))
        grouped.setdefault(key, []).append(_File((row,) if blob == row else (row, blob), suffix.lower(), size))
    yield from grouped.values()


def _contents(inventory: Inventory, rows: NDArray[np.int64]) -> list[int]:
    """For each row the row that holds its content: itself, or the file that a symbolic link of a hub cache names."""
    facts = path_facts(inventory)
    links = rows[facts.kind[rows] == Kind.SYMLINK]
    leads_to = dict(zip(links.tolist(), link_targets(inventory, links), strict=True))
    return [inventory.live.get(leads_to[row], row) if row in leads_to else row for row in rows.tolist()]


def _older_checkpoints(inventory: Inventory) -> list[int]:
    facts = path_facts(inventory)
    numbered: dict[str, list[tuple[int, int]]] = {}
    for position in facts.directories_where(_CHECKPOINT.fullmatch):
        parent, _, name = facts.directories[position].rpartition("/")
        found = _CHECKPOINT.fullmatch(name)
        if found is not None and "site-packages" not in parent:
            numbered.setdefault(f"{parent}/{found[1]}", []).append((int(found[2]), position))
    return [position for several in numbered.values() for _, position in sorted(several)[:-1]]
