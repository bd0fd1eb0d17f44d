"""Several machine learning frameworks in one image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.packages import normalised
from slimml.bloat.path_facts import path_facts
from slimml.inventory.owner import Owner, System

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory

FRAMEWORKS = {
    "torch": re.compile(r"torch|pytorch(-cpu|-gpu)?|libtorch|torchvision|torchaudio|triton"),
    "tensorflow": re.compile(r"tensorflow(-cpu|-gpu|-intel|-base|-estimator)?|tf-nightly|keras|tf-keras"),
    "jax": re.compile(r"jax|jaxlib|flax"),
    "onnxruntime": re.compile(r"onnxruntime(-gpu|-openvino|-training)?"),
    "paddle": re.compile(r"paddlepaddle(-gpu)?"),
    "mxnet": re.compile(r"mxnet(-.*)?"),
    "openvino": re.compile(r"openvino"),
    "tflite": re.compile(r"tflite-runtime|ai-edge-litert"),
}
"""Frameworks that run models, by the names of their distributions."""

_LEAST_BYTES = 1 << 20


def framework_of(owner: Owner) -> str | None:
    """The framework that this owner is a part of."""
    if owner.system not in (System.PYTHON, System.CONDA):
        return None
    name = normalised(owner.name)
    return next((framework for framework, names in FRAMEWORKS.items() if names.fullmatch(name)), None)


def frameworks(inventory: Inventory) -> Iterator[Proposal]:
    """All frameworks but the largest, for at least one of them is what the image is for."""
    facts = path_facts(inventory)
    names = [framework_of(owner) or "" for owner in inventory.owners]
    known = sorted(set(names) - {""})
    numbers = np.array([known.index(name) if name else -1 for name in names])[inventory.owner]
    sizes = {name: int(facts.size[facts.files & (numbers == position)].sum()) for position, name in enumerate(known)}
    present = sorted((name for name in known if sizes[name] >= _LEAST_BYTES), key=lambda name: -sizes[name])
    if len(present) < 2:
        return
    others = [known.index(name) for name in present[1:]]
    listed = ", ".join(f"{name} ({sizes[name] / 1e6:.0f} MB)" for name in present)
    yield Proposal(
        "frameworks",
        f"{len(present)} frameworks: {listed}",
        Risk.ASK,
        Action.TELL,
        np.flatnonzero(facts.content & np.isin(numbers, others)),
        "Serve with one: export the model to the format of the framework that stays, and uninstall the others. The "
        "bytes are those of all but the largest.",
        "a service usually runs its models in one framework",
    )
