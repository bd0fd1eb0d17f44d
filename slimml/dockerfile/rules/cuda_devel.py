"""A base with CUDA's compiler and headers where nothing is compiled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.base_change import change, lacking, other_name, smaller_of, unread
from slimml.dockerfile.installs import apt_installs
from slimml.dockerfile.packages import packages
from slimml.dockerfile.requirements import installed
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.stages import Stage

_ID = "cuda-devel"
_COMPILES = re.compile(
    r"\bnvcc\b|TORCH_CUDA_ARCH_LIST|CUDA_HOME|CUDACXX|FORCE_CUDA|setup\.py|\bcmake\b|\bmake\b|\.cu\b|pip3? install"
    r"[^&;\n]* (-e )?\.(\s|$|\[)|\.cuh\b|MAX_JOBS|--no-build-isolation|git\+",
)


def _look(build: Build) -> Iterator[Finding]:
    for stage, known, smaller in smaller_of(build, _ID):
        name = other_name(stage, known, smaller)
        message = f"{stage.base} has nvcc, headers and static libraries; {name or smaller.to} has what programs load"
        word = stage.start.words[0]
        if _only_copied_from(build, stage):
            continue
        kept = _kept(build, stage, name)
        if kept:
            yield Finding(_ID, word.span, message, saves=smaller.saves, kept=kept)
            continue
        missing = [package for package in lacking(build, stage, smaller) if package]
        yield Finding(_ID, word.span, message, change(build, stage, name, missing), smaller.saves)


def _only_copied_from(build: Build, stage: Stage) -> bool:
    """A stage that only others copy from is where compilers belong."""
    return stage is not build.final and not build.continued(stage)


def _kept(build: Build, stage: Stage, name: str) -> str:
    if not name:
        return "its name has a digest, or variables that the smaller one's name cannot be made of"
    for one in [stage, *build.continued(stage)]:
        for instruction in one.instructions:
            found = _COMPILES.search(instruction.arguments.text)
            if found and instruction.name in ("RUN", "ENV", "ARG", "CMD", "ENTRYPOINT"):
                return f"line {instruction.line} speaks of {' '.join(found[0].split())}: something may be compiled"
        for run, script in build.scripts(one):
            if any(word.text == "build-essential" for install in apt_installs(script) for word in install.named):
                return f"line {run.line} installs compilers: multi-stage can part them from what runs"
    compiled = sorted({item for item, _ in installed(build, stage)} & packages().cuda_compilers)
    if compiled:
        return f"{', '.join(compiled)} is compiled with nvcc when it is installed"
    opaque = unread(build, stage)
    return f"line {opaque.line} runs what cannot be read" if opaque else ""


RULE = Rule(
    _ID,
    "CUDA's compiler in an image that runs things",
    Risk.LIKELY,
    Severity.WARNING,
    "NVIDIA's devel images are their runtime images with nvcc, headers, static libraries and profilers. Programs that "
    "are already compiled, wheels among them, need none of it.",
    "https://hub.docker.com/r/nvidia/cuda",
    _look,
)
