"""Where things are in an image: the working directory of each instruction, and the context's file behind a path."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.dockerfile.build import expand

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build, Stage
    from slimml.dockerfile.instructions import Instruction


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
    at = "/"
    for one in stage.instructions:
        if before is not None and one.span.start >= before.span.start:
            break
        if one.name == "WORKDIR":
            at = posixpath.normpath(posixpath.join(at, expand(one.values[0].strip("\"'"), stage.variables) or "?"))
    return at


def copies(stage: Stage) -> Iterator[Copied]:
    """The COPY and ADD instructions of a stage that take files of the context."""
    for one in stage.instructions:
        if one.name not in ("COPY", "ADD") or one.flag("from") or one.heredocs:
            continue
        words = [expand(word.text, stage.variables) or word.text for word in one.words]
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
