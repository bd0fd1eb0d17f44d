"""CMD and ENTRYPOINT in the shell's form, where a shell adds nothing but itself as the first process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.commands import read_script
from slimml.dockerfile.editing import replace
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_ID = "exec-form"
_BUILT_IN = frozenset(
    {
        "cd",
        "export",
        "source",
        ".",
        "set",
        "ulimit",
        "umask",
        "exec",
        "eval",
        "echo",
        "test",
        "[",
        "wait",
        "trap",
        "exit",
    }
    | {"read", "type", "alias", "unset", "true", "false", "kill", "printf", "command", ":"}
)
_PLAIN = re.compile(r"[^$`*?\[\]{}~!#\\<>|&;()'\"\n]*")


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for one in stage.instructions:
            if one.name in ("CMD", "ENTRYPOINT") and not one.json and one.arguments.data:
                message = f"{one.name} is a shell's command: signals reach the shell, not the program"
                words = _words(build, one)
                kept = _kept(build, stage, one, words)
                edits = () if kept else (replace(one.arguments.span(), json.dumps(words, ensure_ascii=False)),)
                yield Finding(_ID, one.text_span, message, edits, kept=kept)


def _words(build: Build, one: Instruction) -> list[str]:
    script = read_script(build.document, one)
    if script is None or not script.plain or len(script.listed) != 1:
        return []
    command = script.listed[0]
    # All of the text has to be these words: no variable in front, no redirection behind, no comment.
    text = one.arguments.text.strip()
    whole = all(word.literal for word in command.words) and _PLAIN.fullmatch(
        re.sub(r"'[^']*'|\"[^\"$`\\]*\"", "", text)
    )
    words = [word.text for word in command.words]
    return words if whole and "=" not in words[0] and text.startswith((words[0], "'", '"')) else []


def _kept(build: Build, stage: Stage, one: Instruction, words: list[str]) -> str:
    if not words:
        return "the shell does more than to start one program"
    if words[0] in _BUILT_IN:
        return f"{words[0]} is the shell's own"
    lineage = [*build.lineage(stage)]
    around = [other for parent in lineage for other in parent.instructions]
    if any(other.name == "SHELL" for other in around):
        return "SHELL says which shell is meant"
    others = [other for other in around if other.name in ("CMD", "ENTRYPOINT") and other is not one]
    if one.name == "CMD" and (any(other.name == "ENTRYPOINT" for other in others) or build.known(stage) is None):
        # The words of the shell form are arguments of an ENTRYPOINT, which the base may have, too.
        return "an ENTRYPOINT may take these words" if others else _unknown(build, stage)
    if one.name == "ENTRYPOINT":
        return "CMD and the words of docker run, which the shell form does not pass on, would become its arguments"
    return ""


def _unknown(build: Build, stage: Stage) -> str:
    name = [*build.lineage(stage)][-1].base or "its base"
    return f"nobody knows whether {name} has an ENTRYPOINT, which would take these words"


RULE = Rule(
    _ID,
    "A program behind a shell",
    Risk.SAFE,
    Severity.WARNING,
    "In the form CMD program … a shell is the first process and gets the signal to stop; the program is killed ten "
    'seconds later. The form CMD ["program", …] starts the program itself.',
    "https://docs.docker.com/reference/dockerfile/#shell-and-exec-form",
    _look,
)
