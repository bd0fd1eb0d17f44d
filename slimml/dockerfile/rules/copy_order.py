"""COPY of everything before the dependencies are installed: each change of a source installs them anew."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import insert, replace
from slimml.dockerfile.installs import Install, pip_installs
from slimml.dockerfile.places import Copied, copies, working_directory
from slimml.dockerfile.requirements import read_requirements
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_ID = "copy-order"
_HARMLESS = frozenset({"WORKDIR", "ENV", "ARG", "LABEL", "EXPOSE"})


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for copied in copies(stage):
            if copied.everything and copied.instruction.name == "COPY":
                run = _install_after(build, stage, copied)
                if run is not None:
                    yield _finding(build, stage, copied, *run)


def _install_after(build: Build, stage: Stage, copied: Copied) -> tuple[Instruction, Install] | None:
    """The first RUN behind the COPY that installs a requirements file."""
    for run, script in build.scripts(stage):
        if run.span.start > copied.instruction.span.start:
            for install in pip_installs(script):
                if install.files and install.verb.text == "install":
                    return run, install
    return None


def _finding(build: Build, stage: Stage, copied: Copied, run: Instruction, install: Install) -> Finding:
    message = f"line {run.line} installs what it requires after all files were copied: any change does it again"
    span = copied.instruction.text_span
    path = _source(stage, copied, run, install)
    kept = _kept(build, stage, copied, run, install, path)
    if kept:
        return Finding(_ID, span, message, kept=kept)
    place = posixpath.dirname(posixpath.normpath(posixpath.join(copied.destination, path)))
    target = "" if place == working_directory(stage, copied.instruction) else place
    flags = "".join(f"{flag.text} " for flag in copied.instruction.flags)
    newline = build.document.newline.decode()
    first = f"COPY {flags}{path} {target or '.'}/{newline}"
    whole = copied.instruction.span.of(build.document.data).decode("utf-8", "surrogateescape")
    behind = whole if build.document.data[: run.span.end].endswith(b"\n") else newline + whole.rstrip("\r\n")
    return Finding(_ID, span, message, (replace(copied.instruction.span, first), insert(run.span.end, behind)))


def _source(stage: Stage, copied: Copied, run: Instruction, install: Install) -> str:
    word = install.files[0]
    if not word.literal or word.text.startswith("-"):
        return ""
    path = posixpath.normpath(posixpath.join(working_directory(stage, run), word.text))
    below = copied.destination.rstrip("/") + "/"
    return path[len(below) :] if path.startswith(below) else ""


def _kept(build: Build, stage: Stage, copied: Copied, run: Instruction, install: Install, path: str) -> str:
    if not path:
        return "where its requirements come from is not plain"
    text = build.context.text(path)
    if text is None:
        return f"{path} is not in the build context" if build.context.known else "the build context is not known"
    if not read_requirements(path, text).plain or any(word.startswith(".") for word in text.split()):
        return f"{path} names other files"
    if len(install.files) != 1 or install.named:
        return "it installs other things, too"
    script = build.script(run)
    if script is None or not script.plain or len(script.listed) > 2 or run.flags or run.comments:
        return "the RUN does more than to install"
    if (
        any("$" in source for source in copied.sources)
        or build.document.data[copied.instruction.span.start :][:1] == b" "
    ):
        return "the COPY is not plain"
    if any(one.program not in ("sed", "rm") for one in script.listed if one is not install.command):
        return "the RUN does more than to install"
    for one in _between(stage, copied, run):
        if one.name not in _HARMLESS and one.name != "RUN":
            return f"line {one.line} comes between them"
        if one.name == "RUN" and not _independent(build, one):
            return f"line {one.line} may need the files that are copied"
        if one.name == "WORKDIR" and not copied.instruction.words[-1].text.startswith("/"):
            return f"line {one.line} changes the working directory"
    return ""


def _independent(build: Build, run: Instruction) -> bool:
    script = build.script(run)
    return script is not None and all(
        command.program in ("apt-get", "apt", "rm", "echo", "true") or _upgrades_pip(command.words)
        for command in script.commands
    )


def _upgrades_pip(words: tuple[object, ...]) -> bool:
    texts = [getattr(word, "text", "") for word in words]
    plain = [text for text in texts if not text.startswith("-") and "/" not in text]
    return "install" in plain and set(plain) <= {"pip", "pip3", "python", "python3", "install", "setuptools", "wheel"}


def _between(stage: Stage, copied: Copied, run: Instruction) -> list[Instruction]:
    return [one for one in stage.instructions if copied.instruction.span.end <= one.span.start < run.span.start]


RULE = Rule(
    _ID,
    "Everything is copied before dependencies are installed",
    Risk.SAFE,
    Severity.NOTE,
    "A layer is taken from the cache as long as the files it was made of are the same. What is installed "
    "depends on the "
    "requirements alone: copy these first, install, and copy the rest.",
    "https://docs.docker.com/build/cache/optimize/#order-your-layers",
    _look,
)
