"""Where things are in an image: the working directory of each instruction, and the context's file behind a path."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.dockerfile.variables import expand

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage


@dataclass(frozen=True)
class Copied:
    """A COPY or ADD from the context: its sources, and where they come to, absolute. `into` says that the destination
    is a directory by its form: it ends in a slash, or there are several sources.
    """

    instruction: Instruction
    sources: tuple[str, ...]
    destination: str
    into: bool

    @property
    def everything(self) -> bool:
        """Whether it copies the whole context."""
        return any(posixpath.normpath(source.lstrip("/") or ".") == "." for source in self.sources)


def working_directory(stage: Stage, before: Instruction | None = None) -> str:
    """The working directory at an instruction (at the end of the stage for None); `/` where no WORKDIR says it."""
    steps = [step for step in stage.steps if before is None or step.instruction.span.start < before.span.start]
    known = stage.steps[len(steps)].workdir if len(steps) < len(stage.steps) else stage.workdir
    if known is not None:
        return known
    at = "/"
    for step in steps:
        if step.instruction.name == "WORKDIR":
            said = expand(step.instruction.values[0], step.scope.environment)
            at = posixpath.normpath(posixpath.join(at, said or "?"))
    return at


def copies(stage: Stage) -> Iterator[Copied]:
    """The COPY and ADD instructions of a stage that take files of the context."""
    for step in stage.steps:
        one = step.instruction
        if one.name not in ("COPY", "ADD") or one.flag("from") or one.heredocs:
            continue
        words = [expand(word.text, step.scope.environment) or word.text for word in one.words]
        target = words[-1]
        place = posixpath.normpath(posixpath.join(working_directory(stage, one), target))
        into = target.endswith(("/", "/.")) or target in (".", "..") or len(words) > 2
        yield Copied(one, tuple(words[:-1]), place, into)


def context_file(build: Build, stage: Stage, run: Instruction, path: str) -> str:
    """The context's path of the file that a RUN names as `path`, "" where it is not one of the context."""
    return next(iter(context_files(build, stage, run, path)), "")


def context_files(build: Build, stage: Stage, run: Instruction, path: str) -> Iterator[str]:
    """As `context_file`: each COPY before the RUN that brings it, the last one first."""
    wanted = posixpath.normpath(posixpath.join(working_directory(stage, run), path))
    before = [one for one in copies(stage) if one.instruction.span.start < run.span.start]
    for copied in reversed(before):
        for source in copied.sources:
            found = _behind(build, source, copied, wanted)
            if found and build.context.text(found) is not None:
                yield found


def _behind(build: Build, source: str, copied: Copied, wanted: str) -> str:
    source = posixpath.normpath(source.lstrip("/") or ".")
    if source in build.context.sizes:
        name = posixpath.basename(source)
        reached = (posixpath.join(copied.destination, name), *(() if copied.into else (copied.destination,)))
        return source if wanted in reached else ""
    if any(char in source for char in "*?["):
        name = posixpath.join(posixpath.dirname(source), posixpath.basename(wanted))
        return name if wanted == posixpath.join(copied.destination, posixpath.basename(wanted)) else ""
    inside = "" if copied.destination == "/" else copied.destination
    if not wanted.startswith(f"{inside}/"):
        return ""
    return posixpath.normpath(posixpath.join(source, wanted[len(inside) + 1 :]))
