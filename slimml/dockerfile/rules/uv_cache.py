"""uv's and poetry's caches of what they downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import insert
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Command

_ID = "uv-cache"
_SAVES = 150_000_000
_TOOLS = {"uv": ("UV_NO_CACHE", "UV_CACHE_DIR"), "poetry": ("POETRY_NO_CACHE", "POETRY_CACHE_DIR")}
_VERBS = {"uv": {"pip", "sync", "tool", "add", "run"}, "poetry": {"install", "add", "update", "sync"}}


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for run, script in build.scripts(stage):
            if any("type=cache" in (flag.value or "") for flag in run.flags_named("mount")):
                continue
            if "cache clean" in run.arguments.text or "cache clear" in run.arguments.text:
                continue
            for command in script.commands:
                names = _TOOLS.get(command.program, ())
                declared = any(parent.declares(name) for parent in build.lineage(stage) for name in names)
                if _fills(command) and not declared:
                    message = f"{command.program} keeps what it downloaded in its cache"
                    edit = insert(command.words[0].span.end, " --no-cache")
                    yield Finding(_ID, command.span, message, (edit,), _SAVES)


def _fills(command: Command) -> bool:
    words = [word.text for word in command.words[1:]]
    if (
        command.program not in _TOOLS
        or not words
        or any(word.startswith(("--no-cache", "-n", "--cache-dir")) for word in words)
    ):
        return False
    if command.program == "uv" and words[:1] == ["pip"]:
        return words[1:2] in (["install"], ["sync"])
    return words[0] in _VERBS[command.program]


RULE = Rule(
    _ID,
    "uv or poetry keeps its cache",
    Risk.SAFE,
    Severity.WARNING,
    "The cache serves the next installation, and in an image there is none.",
    "https://docs.astral.sh/uv/guides/integration/docker/#caching",
    _look,
)
