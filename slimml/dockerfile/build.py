"""What rules look at: the document, its stages, the shell in them, the context and what is known of the bases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from slimml.dockerfile.bases import Bases, Known, load_bases
from slimml.dockerfile.commands import Script, read_script
from slimml.dockerfile.context import BuildContext
from slimml.dockerfile.document import Document, parse
from slimml.dockerfile.lexer import LexError, NotKnown, lex

if TYPE_CHECKING:
    from slimml.dockerfile.instructions import Instruction

_SHELLS = re.compile(r"(.*/)?(ba|da|a|z|k)?sh")


@dataclass(frozen=True)
class Stage:
    """A FROM and the instructions up to the next one. `base` is its image with variables replaced by their defaults,
    "" where that is not known; `parent` the stage that it continues, if it does.
    """

    index: int
    name: str
    start: Instruction
    instructions: tuple[Instruction, ...]
    base: str
    known: Known | None
    parent: int | None
    arguments: dict[str, str] = field(compare=False)
    """defaults of the ARGs before the first FROM"""

    def runs(self) -> Iterator[Instruction]:
        """Its RUN instructions."""
        return (one for one in self.instructions if one.name == "RUN")

    @property
    def end(self) -> int:
        """The offset behind its last instruction."""
        return (self.instructions[-1] if self.instructions else self.start).span.end

    @cached_property
    def variables(self) -> dict[str, str]:
        """ENV and ARG of the stage, as far as their values are known; later ones win."""
        found: dict[str, str] = {}
        for one in self.instructions:
            if one.name not in ("ENV", "ARG"):
                continue
            for key, value in one.pairs:
                default = self.arguments.get(key.text) if value is None else value.text
                known = None if default is None else expand(default, found)
                if known is not None:
                    found[key.text] = known
                elif one.name == "ENV":
                    found.pop(key.text, None)
        return found

    def declares(self, name: str) -> bool:
        """Whether an ENV or ARG of this name stands in it, whatever its value."""
        return any(key.text == name for one in self.instructions for key, _ in one.pairs if one.name in ("ENV", "ARG"))


@dataclass(frozen=True)
class Build:
    """A Dockerfile and all that is known around it.

    `buildkit` allows what the classic builder does not read; `needed` are packages that the image of the
    last stage was seen to lack when it was built.
    """

    document: Document
    context: BuildContext = field(default_factory=BuildContext)
    bases: Bases = field(default_factory=load_bases)
    buildkit: bool = False
    needed: frozenset[str] = frozenset()

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """All stages in order."""
        return tuple(_stages(self.document, self.bases))

    @property
    def final(self) -> Stage:
        """The stage that is built where no other is asked for."""
        return self.stages[-1]

    @cached_property
    def _scripts(self) -> dict[int, Script | None]:
        found: dict[int, Script | None] = {}
        for stage in self.stages:
            shell = True
            for one in stage.instructions:
                if one.name == "SHELL":
                    shell = _SHELLS.fullmatch(one.values[0]) is not None
                elif one.name == "RUN":
                    found[one.span.start] = read_script(self.document, one) if shell else None
        return found

    def script(self, run: Instruction) -> Script | None:
        """The commands of a RUN; None for what is no text of a POSIX shell or cannot be read."""
        return self._scripts.get(run.span.start)

    def scripts(self, stage: Stage) -> Iterator[tuple[Instruction, Script]]:
        """The RUNs of a stage that can be read, with their commands."""
        for run in stage.runs():
            script = self.script(run)
            if script is not None:
                yield run, script

    def lineage(self, stage: Stage) -> Iterator[Stage]:
        """The stage and those that it continues, nearest first."""
        at: Stage | None = stage
        while at is not None:
            yield at
            at = None if at.parent is None else self.stages[at.parent]

    def known(self, stage: Stage) -> Known | None:
        """What is known of the image that the stage begins with, through the stages that it continues."""
        return [*self.lineage(stage)][-1].known

    def continued(self, stage: Stage) -> list[Stage]:
        """The stages that begin where this one ends."""
        return [other for other in self.stages if other.parent == stage.index]


def open_build(
    data: bytes,
    context: BuildContext | None = None,
    bases: Bases | None = None,
    *,
    buildkit: bool = False,
    needed: frozenset[str] = frozenset(),
) -> Build:
    """Read a Dockerfile; raises InvalidDockerfile. A `# syntax=` line, a heredoc or a mount allows BuildKit."""
    build = Build(parse(data), context or BuildContext(), bases or load_bases(), buildkit, needed)
    return build if buildkit or not needs_buildkit(build.document) else replace(build, buildkit=True)


def needs_buildkit(document: Document) -> bool:
    """Whether the classic builder cannot build the file."""
    if any(directive.name == "syntax" for directive in document.directives):
        return True
    newer = ("mount", "network", "security", "link", "chmod", "parents", "exclude", "checksum", "keep-git-dir")
    return any(
        one.heredocs or (one.name in ("RUN", "COPY", "ADD") and any(one.flag(name) for name in newer))
        for one in document.instructions
    )


def expand(text: str, values: dict[str, str]) -> str | None:
    """A text with its variables replaced, None where one is not known."""

    def lookup(name: str) -> str | None:
        if name not in values:
            raise NotKnown(name)
        return values[name]

    try:
        return lex(text, lookup).text
    except (LexError, NotKnown, ValueError):
        return None


def _stages(document: Document, bases: Bases) -> Iterator[Stage]:
    arguments: dict[str, str] = {}
    groups: list[tuple[Instruction, list[Instruction]]] = []
    for one in document.instructions:
        if one.name == "FROM":
            groups.append((one, []))
        elif groups:
            groups[-1][1].append(one)
        else:
            for key, value in one.pairs:
                default = None if value is None else expand(value.text, arguments)
                if default is not None:
                    arguments[key.text] = default
    names: dict[str, int] = {}
    for index, (start, instructions) in enumerate(groups):
        words = start.values
        base = expand(words[0], arguments) or ""
        parent = names.get(base.lower())
        name = words[2].lower() if len(words) == 3 else ""
        known = None if parent is not None else bases.find(base) if base else None
        yield Stage(index, name, start, tuple(instructions), base, known, parent, arguments)
        if name:
            names[name] = index
