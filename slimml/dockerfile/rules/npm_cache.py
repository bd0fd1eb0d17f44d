"""npm's and yarn's caches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import add_command
from slimml.dockerfile.installs import read_install
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Command

_ID = "npm-cache"
_SAVES = 100_000_000
_CLEANED = re.compile(r"\b(npm|yarn|pnpm) +(cache +clean|store +prune)|\brm +-\w+ +[^;&|]*\.(npm|cache)\b")
_CLEAN = {"npm": "npm cache clean --force", "yarn": "yarn cache clean"}


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for run, script in build.scripts(stage):
            tools = {command.program for command in script.commands if _installs(command)}
            mounted = any("type=cache" in (flag.value or "") for flag in run.flags_named("mount"))
            if not tools or mounted or _CLEANED.search(run.arguments.text):
                continue
            message = f"{' and '.join(sorted(tools))} keeps what it downloaded"
            if script.end is None:
                yield Finding(_ID, run.text_span, message, saves=_SAVES, kept="what ends the RUN is no command")
                continue
            clean = " && ".join(_CLEAN[tool] for tool in sorted(tools))
            yield Finding(_ID, run.text_span, message, (add_command(build.document, run, script.end, clean),), _SAVES)


def _installs(command: Command) -> bool:
    found = read_install(command)
    if found is not None:
        return found.tool in _CLEAN
    # yarn alone installs, too.
    options = [word.text for word in command.words[1:]]
    return command.program == "yarn" and all(word.startswith("-") and word[:3] != "--v" for word in options)


RULE = Rule(
    _ID,
    "npm or yarn keeps its cache",
    Risk.SAFE,
    Severity.WARNING,
    "The cache serves the next installation, and in an image there is none.",
    "https://docs.npmjs.com/cli/commands/npm-cache",
    _look,
)
