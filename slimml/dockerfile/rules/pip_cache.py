"""pip's cache of what it downloaded and built."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import insert
from slimml.dockerfile.installs import pip_installs
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_ID = "pip-cache"
_OPTION = "--no-cache-dir"
_SAVES = 150_000_000
"""wheels of an ML application; with torch and CUDA ten times that"""
_PURGED = re.compile(
    r"\bpip[\d.]* +cache +purge|\brm +-\w+ +[^;&|]*(\.cache(/pip)?/?)(\s|$)|no-cache-dir +(true|1|yes)"
)


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        if _off(build, stage):
            continue
        for run, script in build.scripts(stage):
            if _kept_elsewhere(run) or _PURGED.search(run.arguments.text):
                continue
            for install in pip_installs(script):
                if install.tool == "pip" and not install.has(_OPTION, "--cache-dir"):
                    message = "pip keeps what it downloaded and built in ~/.cache/pip"
                    edit = insert(install.verb.span.end, f" {_OPTION}")
                    yield Finding(_ID, install.command.span, message, (edit,), _SAVES)


def _off(build: Build, stage: Stage) -> bool:
    """A variable or a configuration says it for the whole stage."""
    names = ("PIP_NO_CACHE_DIR", "PIP_CACHE_DIR", "PIP_CONFIG_FILE")
    if any(parent.declares(name) for parent in build.lineage(stage) for name in names):
        return True
    return any("pip" in run.arguments.text and "config set" in run.arguments.text and "no-cache" in run.arguments.text
               for run in stage.runs())  # fmt: skip


def _kept_elsewhere(run: Instruction) -> bool:
    """A mount holds the cache, so that it is in no layer."""
    return any("type=cache" in (flag.value or "") for flag in run.flags_named("mount"))


RULE = Rule(
    _ID,
    "pip keeps its cache",
    Risk.SAFE,
    Severity.WARNING,
    "The cache serves the next installation, and in an image there is none: every wheel is stored a second time, "
    "compressed.",
    "https://pip.pypa.io/en/stable/topics/caching/#avoiding-caching",
    _look,
)
