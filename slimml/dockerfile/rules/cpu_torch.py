"""torch with CUDA where nothing asks for a GPU."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import insert
from slimml.dockerfile.gpu_asked import gpu_in_file, gpu_in_sources
from slimml.dockerfile.installs import Install, pip_installs
from slimml.dockerfile.requirements import files_of
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_ID = "cpu-torch"
_INDEX = "https://download.pytorch.org/whl/cpu"
_SAVES = 2_800_000_000
_TORCH = frozenset({"torch", "torchvision", "torchaudio"})
_GPU = re.compile(r"nvidia|cuda|\bgpu|cudnn|tensorrt|triton|flash.attn|rocm", re.IGNORECASE)
_GPU_IN_SOURCES = re.compile(
    r"\.cuda\(|[\"']cuda(:\d+)?[\"']|cuda\.is_available|device_map|--gpus|nvidia|bitsandbytes|onnxruntime-gpu",
    re.IGNORECASE,
)
_INDEXES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--no-index", "--index", "--default-index")
_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for run, script in build.scripts(stage):
            for install in pip_installs(script):
                if install.verb.text == "install" and _asks(build, stage, run, install):
                    yield _finding(build, stage, install)


def _asks(build: Build, stage: Stage, run: Instruction, install: Install) -> bool:
    """Is torch among what it installs, from the usual index?"""
    if any(_INDEX in value or "pytorch.org" in value for values in install.options.values() for value in values):
        return False
    words = [word.text for word in install.named]
    files = [file for file in files_of(build, stage, run, install) if file]
    if any("pytorch.org" in line or "+cpu" in line for file in files for line in file.lines):
        return False
    if any("+cpu" in word or "+cu" in word for word in words) or install.has("--torch-backend"):
        return False
    named = set(install.distributions).union(*(file.distributions for file in files))
    return bool(named & _TORCH)


def _finding(build: Build, stage: Stage, install: Install) -> Finding:
    message = "torch comes with CUDA from the usual index, and nothing here asks for a GPU"
    kept = _kept(build, stage, install)
    if kept:
        return Finding(_ID, install.command.span, "torch comes from the usual index", kept=kept)
    option = "--index-url" if set(install.distributions) <= _TORCH and not install.files else "--extra-index-url"
    edit = insert(install.verb.span.end, f" {option} {_INDEX}")
    return Finding(_ID, install.command.span, message, (edit,), _SAVES)


def _kept(build: Build, stage: Stage, install: Install) -> str:
    spoken = gpu_in_file(build, _GPU)
    if not spoken and (
        install.has(*_INDEXES) or any(one.declares(name) for one in build.lineage(stage) for name in _VARIABLES)
    ):
        return "another index is named: who names one knows which torch it has"
    return spoken or gpu_in_sources(build, _GPU_IN_SOURCES)


RULE = Rule(
    _ID,
    "torch with CUDA, though nothing asks for a GPU",
    Risk.LIKELY,
    Severity.WARNING,
    "On Linux the usual wheel of torch requires gigabytes of CUDA libraries. PyTorch's index of CPU builds has the "
    "same version without them.",
    "https://docs.pytorch.org/get-started/locally/",
    _look,
)
