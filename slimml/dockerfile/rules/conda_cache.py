"""conda's archives and extracted copies of packages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import add_command
from slimml.dockerfile.installs import Manager, read_install
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Command

_ID = "conda-cache"
_SAVES = 600_000_000
_CLEANED = re.compile(r"\b(conda|mamba|micromamba) +clean\b|\brm +-\w+ +[^;&|]*/pkgs\b")


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for run, script in build.scripts(stage):
            installs = [command for command in script.commands if _installs(command)]
            mounted = any("pkgs" in (flag.value or "") for flag in run.flags_named("mount"))
            if not installs or mounted or _CLEANED.search(run.arguments.text):
                continue
            message = f"{installs[-1].program} keeps the archives and unpacked copies of its packages"
            if script.end is None:
                yield Finding(_ID, run.text_span, message, saves=_SAVES, kept="what ends the RUN is no command")
                continue
            tool = installs[-1].words[0].text
            clean = f"{tool} clean --all --yes" if installs[-1].program == "micromamba" else f"{tool} clean -afy"
            yield Finding(_ID, run.text_span, message, (add_command(build.document, run, script.end, clean),), _SAVES)


def _installs(command: Command) -> bool:
    found = read_install(command)
    return found is not None and found.manager is Manager.CONDA


RULE = Rule(
    _ID,
    "conda keeps its packages twice",
    Risk.SAFE,
    Severity.WARNING,
    "conda keeps each package's archive and an unpacked copy for the next environment. Files that environments link to "
    "stay when the copies go.",
    "https://docs.conda.io/projects/conda/en/stable/commands/clean.html",
    _look,
)
