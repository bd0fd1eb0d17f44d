"""chown -R of what was copied: the whole of it is stored a second time."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.edit import Edit
from slimml.dockerfile.editing import insert, remove
from slimml.dockerfile.places import Copied, copies
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Command, Script
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_ID = "chown-copy"
_OWNER = re.compile(r"[a-z_0-9][\w.-]*(:[\w.-]*)?")
_USERS = frozenset({"useradd", "adduser", "groupadd", "addgroup"})


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for run, script in build.scripts(stage):
            for command in script.listed:
                owner, path = _chown(command)
                if not path:
                    continue
                below = [copied for copied in copies(stage) if copied.instruction.span.start < run.span.start
                         and _within(copied.destination, path) and not copied.instruction.flag("chown")]  # fmt: skip
                if below:
                    yield _finding(build, stage, run, script, command, owner, path, below)


def _chown(command: Command) -> tuple[str, str]:
    """Owner and directory of a plain `chown -R OWNER DIRECTORY`."""
    words = [word.text for word in command.words[1:]]
    if command.program != "chown" or len(words) != 3 or words[0] not in ("-R", "--recursive", "-hR", "-Rh"):
        return "", ""
    return (words[1], words[2].rstrip("/")) if _OWNER.fullmatch(words[1]) and words[2].startswith("/") else ("", "")


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory}/")


def _finding(
    build: Build,
    stage: Stage,
    run: Instruction,
    script: Script,
    command: Command,
    owner: str,
    path: str,
    below: list[Copied],
) -> Finding:
    message = f"chown -R stores all of {path} again; COPY --chown={owner} stores it once"
    saves = sum(_bytes(build, copied) for copied in below) or None
    kept = _kept(build, stage, run, owner, path, below) or (
        "the RUN does more than chown" if len(script.listed) > 1 or not script.plain else ""
    )
    if kept:
        return Finding(_ID, command.span, message, saves=saves, kept=kept)
    edits: list[Edit] = [insert(copied.instruction.keyword.end, f" --chown={owner}") for copied in below]
    edits.append(remove(run))
    return Finding(_ID, command.span, message, tuple(edits), saves)


def _bytes(build: Build, copied: Copied) -> int:
    if copied.everything:
        return sum(build.context.sent.values())
    found = 0
    for source in copied.sources:
        place = posixpath.normpath(source.lstrip("/"))
        found += sum(size for path, size in build.context.sent.items() if path == place or path.startswith(f"{place}/"))
    return found


def _kept(build: Build, stage: Stage, run: Instruction, owner: str, path: str, below: list[Copied]) -> str:
    first = min(copied.instruction.span.start for copied in below)
    if not owner.partition(":")[0].isdigit() and not _user_before(build, stage, first):
        return "its user is made after the COPY, or comes from the base"
    for other in stage.instructions:
        if first < other.span.start < run.span.start:
            if other.name == "RUN" and not _leaves_alone(build, other, path):
                return f"line {other.line} may make files in {path} as well"
            if other.name == "USER":
                return f"line {other.line} sets another user"
    if any(other.name == "WORKDIR" and other.values[0].rstrip("/") == path for other in stage.instructions
           if other.span.start < first):  # fmt: skip
        return f"WORKDIR makes {path} itself before the COPY, as root's"
    if ":" in owner and owner.endswith(":"):
        return "its group is the user's own"
    return ""


def _user_before(build: Build, stage: Stage, at: int) -> bool:
    return any(
        command.program in _USERS
        for parent in build.lineage(stage)
        for run, script in build.scripts(parent)
        for command in script.commands
        if parent is not stage or run.span.start < at
    )


def _leaves_alone(build: Build, run: Instruction, path: str) -> bool:
    """Whether a RUN makes nothing in the directory: it speaks only of packages of the system and of users."""
    script = build.script(run)
    if script is None or path in run.arguments.text:
        return False
    known = _USERS | {"apt-get", "apt", "rm", "echo", "true", "usermod"}
    return all(command.program in known or "pip" in command.program for command in script.commands)


RULE = Rule(
    _ID,
    "chown copies what was copied",
    Risk.LIKELY,
    Severity.WARNING,
    "A file whose owner changes is stored whole in the layer of the change. COPY --chown gives the owner at once.",
    "https://docs.docker.com/reference/dockerfile/#copy---chown---chmod",
    _look,
)
