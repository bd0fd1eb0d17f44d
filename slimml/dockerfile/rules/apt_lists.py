"""apt's lists of packages that stay in the layer which fetched them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import add_command
from slimml.dockerfile.installs import apt_verb
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Script
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_ID = "apt-lists"
_PLACE = "/var/lib/apt/lists"
_COMMAND = f"rm -rf {_PLACE}/*"
_SAVES = 20_000_000
_USES = re.compile(r"\b(apt|apt-get|apt-cache|apt-file|aptitude|add-apt-repository|dpkg-query)\b")


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        runs = [*build.scripts(stage)]
        for at, (run, script) in enumerate(runs):
            if not any(apt_verb(command) == "update" for command in script.commands) or _removes(build, run):
                continue
            message = "apt's lists stay in the layer that fetched them"
            kept = _kept(build, stage, run, script, [other for other, _ in runs[at + 1 :]])
            if kept or script.end is None:
                yield Finding(_ID, run.text_span, message, saves=_SAVES, kept=kept or "what ends the RUN is no command")
                continue
            yield Finding(
                _ID, run.text_span, message, (add_command(build.document, run, script.end, _COMMAND),), _SAVES
            )


def _removes(build: Build, run: Instruction) -> bool:
    """The RUN empties the directory itself, or has it as a mount."""
    text = run.arguments.text
    return (_PLACE in text and "rm " in text) or any(_PLACE in (flag.value or "") for flag in run.flags_named("mount"))


def _kept(build: Build, stage: Stage, run: Instruction, script: Script, later: list[Instruction]) -> str:
    """Why the lists have to stay: something later uses them without fetching them anew."""
    if not any(apt_verb(command) == "install" for command in script.commands):
        return "a later step may install from these lists: apt-update-install joins them"
    followers = [*later, *(one for other in build.continued(stage) for one in other.runs())]
    for other in followers:
        following = build.script(other)
        text = other.arguments.text
        if _USES.search(text) and (following is None or not _fetches(following)):
            return f"line {other.line} uses them without an update of its own"
    return ""


def _fetches(script: Script) -> bool:
    """An update comes before the first other use."""
    for command in script.commands:
        if apt_verb(command):
            return apt_verb(command) in ("update", "clean", "purge", "remove", "autoremove", "autoclean")
    return False


RULE = Rule(
    _ID,
    "apt's lists are kept",
    Risk.SAFE,
    Severity.WARNING,
    "The lists serve to install more, are old after a day, and cannot be taken out by a later layer: remove "
    "them in the "
    "RUN that fetched them.",
    "https://docs.docker.com/build/building/best-practices/#apt-get",
    _look,
)
