"""Caches of apt and pip in mounts of the builder, where BuildKit builds: quicker rebuilds, nothing in a layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import insert
from slimml.dockerfile.installs import pip_installs
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_ID = "cache-mounts"
_MOUNT = "--mount=type=cache,target=/root/.cache/pip"


def _look(build: Build) -> Iterator[Finding]:
    if not build.buildkit:
        return
    for stage in build.stages:
        for run, script in build.scripts(stage):
            installs = [install for install in pip_installs(script) if install.tool == "pip"]
            if not installs or run.flag("mount"):
                continue
            message = "each rebuild downloads the same wheels: BuildKit keeps them beside the layers"
            kept = _kept(stage, run)
            edits = () if kept else (insert(run.arguments.span().start, f"{_MOUNT} "),)
            if any(install.has("--no-cache-dir") for install in installs):
                edits, kept = (), "pip is told to keep no cache"
            yield Finding(_ID, run.text_span, message, edits, kept=kept)


def _kept(stage: Stage, run: Instruction) -> str:
    users = [one for one in stage.instructions if one.name == "USER" and one.span.start < run.span.start]
    if users and users[-1].values[0].strip("\"'").partition(":")[0] not in ("root", "0"):
        return "the cache is root's, and another USER is set"
    if stage.declares("PIP_NO_CACHE_DIR") or stage.declares("PIP_CACHE_DIR"):
        return "a variable says where pip keeps its cache"
    return ""


RULE = Rule(
    _ID,
    "Downloads are not kept between builds",
    Risk.SAFE,
    Severity.NOTE,
    "RUN --mount=type=cache gives pip its cache from the builder; no layer holds it. Only BuildKit and buildah "
    "read it: "
    "the rule is applied where the file uses BuildKit already, and only if it is named.",
    "https://docs.docker.com/build/cache/optimize/#use-cache-mounts",
    _look,
    asked=True,
)
