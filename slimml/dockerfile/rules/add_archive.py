"""An archive that is copied, unpacked and removed in three layers, where ADD unpacks it in one."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import remove, replace
from slimml.dockerfile.places import Copied, copies
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Command, Script
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_ID = "add-archive"
_ARCHIVE = re.compile(r"\.(tar|tar\.gz|tgz|tar\.bz2|tar\.xz|txz|tbz2)$")
_EXTRACT = re.compile(r"-?[xzjJvf]*x[xzjJvf]*|--extract|--gzip|--file|-z|-j|-J|-v")


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for copied in copies(stage):
            one = copied.instruction
            if one.name == "ADD" and any(source.startswith(("http:", "https:")) for source in copied.sources):
                yield Finding(_ID, one.text_span, "ADD of an address keeps the download in a layer of its own",
                              kept="whether one RUN can fetch, unpack and remove it only the author knows")  # fmt: skip
            elif one.name == "COPY" and len(copied.sources) == 1 and _ARCHIVE.search(copied.sources[0]):
                found = _unpacked(build, stage, copied)
                if found is not None:
                    yield found


def _unpacked(build: Build, stage: Stage, copied: Copied) -> Finding | None:
    source = copied.sources[0]
    name = posixpath.basename(source)
    path = posixpath.join(copied.destination, name) if copied.into else copied.destination
    run, script, command = _tar(build, stage, copied, path)
    if run is None or script is None or command is None:
        return None
    message = f"{source} is in a layer of its own, and unpacked into another: ADD unpacks what it copies"
    saves = build.context.sizes.get(source)
    place = _place(command, path)
    kept = _kept(stage, run, script, place)
    if kept:
        return Finding(_ID, copied.instruction.text_span, message, saves=saves, kept=kept)
    flags = "".join(f"{flag.text} " for flag in copied.instruction.flags)
    edits = [replace(copied.instruction.text_span, f"ADD {flags}{source} {place.rstrip('/')}/")]
    edits += [remove(run)]
    for other, following in build.scripts(stage):
        if other.span.start > run.span.start and _only_removes(following, path):
            edits.append(remove(other))
        elif other.span.start > run.span.start and path in other.arguments.text:
            kept = f"line {other.line} uses the archive"
            return Finding(_ID, copied.instruction.text_span, message, saves=saves, kept=kept)
    return Finding(_ID, copied.instruction.text_span, message, tuple(edits), saves)


def _tar(
    build: Build, stage: Stage, copied: Copied, path: str
) -> tuple[Instruction | None, Script | None, Command | None]:
    for run, script in build.scripts(stage):
        if run.span.start > copied.instruction.span.start:
            for command in script.commands:
                if command.program == "tar" and path in [word.text for word in command.words]:
                    return run, script, command
    return None, None, None


def _place(command: Command, path: str) -> str:
    """Where tar unpacks to, "" where its options are more than that."""
    words = [word.text for word in command.words[1:]]
    place = ""
    rest = iter(words)
    for word in rest:
        if word in ("-C", "--directory"):
            place = next(rest, "")
        elif word != path and not _EXTRACT.fullmatch(word):
            return ""
    return place if place.startswith("/") else ""


def _kept(stage: Stage, run: Instruction, script: Script, place: str) -> str:
    if not place:
        return "where tar unpacks it, or how, is not plain"
    allowed = {"mkdir", "tar", "rm"}
    if not script.plain or run.flags or any(one.program not in allowed for one in script.listed):
        return f"line {run.line} does more than to unpack it"
    made = [word.text for one in script.listed if one.program == "mkdir" for word in one.words[1:]]
    if any(not word.startswith("-") and word.rstrip("/") != place.rstrip("/") for word in made):
        return f"line {run.line} makes another directory"
    if any(one.name == "USER" for one in stage.instructions if one.span.start < run.span.start):
        return "ADD would unpack it as root, where another USER is set"
    return ""


def _only_removes(script: Script, path: str) -> bool:
    return (
        script.plain
        and len(script.listed) == 1
        and script.listed[0].program == "rm"
        and [word.text for word in script.listed[0].words[1:] if not word.text.startswith("-")] == [path]
    )


RULE = Rule(
    _ID,
    "An archive is copied and then unpacked",
    Risk.LIKELY,
    Severity.WARNING,
    "The layer of COPY keeps the archive for good, whatever removes it later. ADD unpacks a local tar archive "
    "and stores "
    "only what was in it.",
    "https://docs.docker.com/build/building/best-practices/#add-or-copy",
    _look,
)
