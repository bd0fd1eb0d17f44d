"""TensorFlow with GPU support where nothing asks for a GPU."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import insert
from slimml.dockerfile.gpu_asked import gpu_in_file, gpu_in_sources
from slimml.dockerfile.installs import pip_installs
from slimml.dockerfile.packages import distribution_of
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "tensorflow-cpu"
_SAVES = 900_000_000
_GPU = re.compile(r"nvidia|cuda|\bgpu|tensorrt|rocm", re.IGNORECASE)
_GPU_IN_SOURCES = re.compile(r"list_physical_devices|/gpu:|/device:gpu|mirroredstrategy|nvidia|--gpus", re.IGNORECASE)
_OLD = re.compile(r"(==|<=?|~=)\s*(0|1|2\.0)(\.|$)")


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for _, script in build.scripts(stage):
            for install in pip_installs(script):
                for word in install.named:
                    if distribution_of(word.text) != "tensorflow" or "[" in word.text:
                        continue
                    kept = _kept(build, word.text)
                    raw = word.span.of(build.document.data)
                    at = word.span.start + int(raw[:1] in (b"'", b'"')) + len("tensorflow")
                    edits = () if kept else (insert(at, "-cpu"),)
                    message = "tensorflow carries its GPU kernels, and nothing here asks for a GPU"
                    yield Finding(_ID, word.span, message, edits, _SAVES, kept=kept)


def _kept(build: Build, requirement: str) -> str:
    spoken = gpu_in_file(build, _GPU)
    if not spoken and _OLD.search(requirement):
        return "there is no tensorflow-cpu of this version"
    return spoken or gpu_in_sources(build, _GPU_IN_SOURCES)


RULE = Rule(
    _ID,
    "TensorFlow with GPU support, though nothing asks for a GPU",
    Risk.LIKELY,
    Severity.NOTE,
    "tensorflow-cpu is the same release without the kernels for GPUs. A distribution that requires tensorflow by name "
    "would install that beside it: the build is to be tried.",
    "https://www.tensorflow.org/install/pip",
    _look,
)
