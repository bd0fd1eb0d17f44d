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
from slimml.dockerfile.stages import Stage, lineage, read_stages

if TYPE_CHECKING:
    from slimml.dockerfile.instructions import Instruction

_SHELLS = re.compile(r"(.*/)?(ba|da|a|z|k)?sh")


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
        """All stages in order; build arguments have their defaults."""
        return read_stages(self.document)

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
        return reversed(lineage(self.stages, stage.index))

    def known(self, stage: Stage) -> Known | None:
        """What is known of the image that the stage begins with, through the stages that it continues."""
        return self.named([*self.lineage(stage)][-1])

    def named(self, stage: Stage) -> Known | None:
        """What is known of the image that the stage's own FROM names; None for one that continues a stage."""
        return self._known[stage.index]

    @cached_property
    def _known(self) -> tuple[Known | None, ...]:
        return tuple(self.bases.find(stage.base) if stage.base else None for stage in self.stages)

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
