"""Files that one RUN makes and the next one removes: the first one's layer keeps them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import join
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Command, Script
    from slimml.dockerfile.instructions import Instruction

_ID = "removed-later"
_SAVES = 50_000_000
_MAKES = frozenset(
    {"wget", "curl", "tar", "unzip", "git", "cp", "mv", "apt-get", "apt", "pip", "pip3", "conda", "gunzip", "dpkg"}
)
_LISTS = "/var/lib/apt/lists"


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        pairs = [(one, other) for one, other in pairwise(stage.instructions) if one.name == other.name == "RUN"]
        taken: set[int] = set()
        for one, other in pairs:
            script, later = build.script(one), build.script(other)
            if script is None or later is None:
                continue
            removed = [path for command in later.listed for path in _removes(command)]
            what = next((path for path in removed if _made(script, one, path)), "")
            if not what:
                continue
            message = f"line {other.line} removes {what}, and the layer of line {one.line} keeps it"
            kept = _kept(script, later, one, other)
            if not kept and one.span.start in taken:
                continue
            taken.add(other.span.start)
            edits = () if kept or script.end is None else (join(build.document, one, script.end, other),)
            yield Finding(_ID, other.text_span, message, edits, _SAVES, kept=kept)


def _removes(command: Command) -> Iterator[str]:
    if command.program == "rm":
        for word in command.words[1:]:
            if not word.text.startswith("-"):
                yield word.text
    elif command.program in ("apt-get", "apt") and any(
        word.text in ("purge", "remove", "autoremove") for word in command.words
    ):
        yield "packages"


def _made(script: Script, run: Instruction, path: str) -> bool:
    """Whether the RUN before made it, as far as its words tell."""
    if path == "packages":
        return any(command.program in ("apt-get", "apt") and "install" in [word.text for word in command.words]
                   for command in script.commands)  # fmt: skip
    if path.rstrip("/*").startswith(_LISTS):
        return any(command.program in ("apt-get", "apt") and "update" in [word.text for word in command.words]
                   for command in script.commands)  # fmt: skip
    name = posixpath.basename(path.rstrip("/*"))
    makes = any(command.program in _MAKES for command in script.commands)
    return makes and bool(name) and "*" not in name and name in run.arguments.text


def _kept(script: Script, later: Script, one: Instruction, other: Instruction) -> str:
    if not script.plain or script.end is None or not later.plain:
        return "one of the two is more than a list of commands"
    if one.flags or other.flags:
        return "their mounts or networks may differ"
    if script.leaks:
        return f"{script.leaks} in line {one.line} would act on line {other.line}, too"
    return ""


RULE = Rule(
    _ID,
    "Removed in a later layer",
    Risk.SAFE,
    Severity.WARNING,
    "A layer cannot take bytes out of the ones below it: what goes has to go in the RUN that made it. The two "
    "become one.",
    "https://docs.docker.com/build/building/best-practices/#run",
    _look,
)
