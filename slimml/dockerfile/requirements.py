"""Requirements files of the context, as far as their lines are plain: which distributions a pip command installs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.dockerfile.packages import distribution_of
from slimml.dockerfile.places import context_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slimml.dockerfile.build import Build
    from slimml.dockerfile.installs import Install
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_COMMENT = re.compile(r"(^|\s)#.*")


@dataclass(frozen=True)
class RequirementsFile:
    """`path` in the context; `plain` says that each line is a requirement by itself: no hashes, no continued lines, no
    other files."""

    path: str
    lines: tuple[str, ...]
    plain: bool

    @property
    def distributions(self) -> dict[str, str]:
        """Normalised names with their lines."""
        found = {distribution_of(line): line for line in self.lines}
        found.pop("", None)
        return found


def read_requirements(path: str, text: str) -> RequirementsFile:
    """The lines without comments and blank ones."""
    lines = tuple(line for raw in text.splitlines() if (line := _COMMENT.sub("", raw).strip()))
    options = any(line.startswith("-") or line.endswith("\\") or " --" in line for line in lines)
    return RequirementsFile(path, lines, not options)


def files_of(build: Build, stage: Stage, run: Instruction, install: Install) -> list[RequirementsFile | None]:
    """The requirements files of a pip command in their order, None for each that is not known."""
    found: list[RequirementsFile | None] = []
    for word in install.files:
        name = word.text.partition("=")[2] if word.text.startswith("-") else word.text
        path = context_file(build, stage, run, name) if word.literal else ""
        text = build.context.text(path) if path else None
        found.append(None if text is None else read_requirements(path, text))
    return found


def installed(build: Build, stage: Stage) -> Iterator[tuple[str, Instruction]]:
    """Normalised names of the distributions that a stage and those that it continues ask pip for, with the RUN."""
    from slimml.dockerfile.installs import pip_installs

    for one in build.lineage(stage):
        for run, script in build.scripts(one):
            for install in pip_installs(script):
                for name in install.distributions:
                    yield name, run
                for file in files_of(build, one, run, install):
                    for name in file.distributions if file else ():
                        yield name, run
