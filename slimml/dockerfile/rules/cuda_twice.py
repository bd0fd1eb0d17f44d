"""CUDA's libraries in the base image beside those that wheels bring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.base_change import change, other_name, smaller_of, unread
from slimml.dockerfile.requirements import installed
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.stages import Stage

_ID = "cuda-twice"
_BRING = frozenset({"torch", "torchvision", "torchaudio", "vllm", "sglang", "xformers"})
_TAKE = frozenset(
    {"tensorflow", "tensorflow-gpu", "onnxruntime-gpu", "cupy", "cupy-cuda11x", "cupy-cuda12x", "jax", "jaxlib"}
    | {"paddlepaddle-gpu", "tensorrt", "faiss-gpu", "faiss-gpu-cu12", "rapids", "cudf-cu12", "cuml-cu12", "numba"}
    | {
        "llama-cpp-python",
        "ctranslate2",
        "faster-whisper",
        "mxnet",
        "dgl",
        "xgboost",
        "lightgbm",
        "pycuda",
        "deepspeed",
    }
)
"""Distributions that load CUDA's libraries from the system, or may."""
_SYSTEM = re.compile(r"LD_LIBRARY_PATH|/usr/local/cuda|CUDA_HOME|libcud|libcublas|trtexec", re.IGNORECASE)


def _look(build: Build) -> Iterator[Finding]:
    for stage, known, smaller in smaller_of(build, _ID):
        names = {name for name, _ in installed(build, stage)}
        if not names & _BRING:
            continue
        other = other_name(stage, known, smaller)
        told = ", ".join(sorted(names & _BRING))
        message = f"{stage.base} has CUDA's libraries, and the wheels of {told} bring their own"
        kept = _kept(build, stage, other, names)
        edits = () if kept else change(build, stage, other, [])
        yield Finding(_ID, stage.start.words[0].span, message, edits, smaller.saves, kept=kept)


def _kept(build: Build, stage: Stage, other: str, names: set[str]) -> str:
    if not other:
        return "its name has a digest, or variables that the smaller one's name cannot be made of"
    if names & _TAKE:
        return f"{', '.join(sorted(names & _TAKE))} may load the system's"
    for one in [stage, *build.continued(stage)]:
        for instruction in one.instructions:
            found = _SYSTEM.search(instruction.arguments.text)
            if found:
                return f"line {instruction.line} speaks of {found[0]}"
    if not build.context.known:
        return "without the build context nobody can see what the application loads"
    mentioned = build.context.mentions(_SYSTEM)
    if mentioned:
        return f"{mentioned} speaks of the system's CUDA"
    opaque = unread(build, stage)
    return f"line {opaque.line} runs what cannot be read" if opaque else ""


RULE = Rule(
    _ID,
    "CUDA in the base and in the wheels",
    Risk.LIKELY,
    Severity.WARNING,
    "torch's wheels carry the CUDA libraries that they load; those of the base are never opened. NVIDIA's base images "
    "have the driver's interface alone.",
    "https://hub.docker.com/r/nvidia/cuda",
    _look,
)
