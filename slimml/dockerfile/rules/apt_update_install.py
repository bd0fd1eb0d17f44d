"""apt-get update in a RUN of its own: the lists that it fetched stay in a layer, and a cached layer makes them old."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from slimml.dockerfile.editing import join
from slimml.dockerfile.installs import apt_verb
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.commands import Script
    from slimml.dockerfile.edit import Edit
    from slimml.dockerfile.instructions import Instruction
    from slimml.dockerfile.stages import Stage

_ID = "apt-update-install"


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        yield from _look_at(build, stage)


def _look_at(build: Build, stage: Stage) -> Iterator[Finding]:
    """A chain of RUNs that begins with a lone update becomes one RUN; instructions between them end it."""
    at = 0
    while at < len(stage.instructions):
        chain = _chain(build, stage, at)
        if len(chain) > 1:
            edits = tuple(_join(build, one, other) for one, other in pairwise(chain))
            message = f"{len(chain)} RUN instructions update apt's lists and install from them; one does both"
            yield Finding(_ID, chain[0].text_span, message, edits)
        elif chain:
            yield Finding(_ID, chain[0].text_span, "apt-get update alone: its lists are old where its layer is cached",
                          kept="what follows is no RUN that only installs with apt")  # fmt: skip
        at += max(1, len(chain))


def _chain(build: Build, stage: Stage, at: int) -> list[Instruction]:
    first = stage.instructions[at]
    script = build.script(first) if first.name == "RUN" else None
    if script is None or not _updates_only(script) or first.flags:
        return []
    found = [first]
    for one in stage.instructions[at + 1 :]:
        script = build.script(one) if one.name == "RUN" and not one.flags else None
        if script is None or not _only_apt(script):
            break
        found.append(one)
    return found


def _updates_only(script: Script) -> bool:
    verbs = {apt_verb(one) for one in script.listed}
    return _only_apt(script) and "update" in verbs and "install" not in verbs


def _only_apt(script: Script) -> bool:
    return script.plain and script.end is not None and all(apt_verb(one) for one in script.listed)


def _join(build: Build, one: Instruction, other: Instruction) -> Edit:
    script = build.script(one)
    end = script.end if script else None
    return join(build.document, one, one.text_span.end if end is None else end, other)


RULE = Rule(
    _ID,
    "apt-get update and install in one RUN",
    Risk.SAFE,
    Severity.WARNING,
    "A layer with apt's lists stays in the image even if a later RUN removes them, and an update that was cached makes "
    "later installs fail or install what is old. One RUN updates, installs and cleans up.",
    "https://docs.docker.com/build/building/best-practices/#apt-get",
    _look,
)
