"""A base image with compilers and -dev packages where a slim one with the same Python is to be had."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.base_change import change, lacking, other_name, smaller_of, unread
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.bases import Known, Smaller
    from slimml.dockerfile.build import Build
    from slimml.dockerfile.stages import Stage

_ID = "slim-base"


def _look(build: Build) -> Iterator[Finding]:
    for stage, known, smaller in smaller_of(build, _ID):
        name = other_name(stage, known, smaller)
        message = f"{stage.base} has more than a service needs: {name or smaller.to} lacks {smaller.without}"
        word = stage.start.words[0]
        missing = lacking(build, stage, smaller)
        kept = _kept(build, stage, known, smaller, name)
        if kept:
            yield Finding(_ID, word.span, message, saves=smaller.saves, kept=kept)
            continue
        if missing:
            message += f"; {', '.join(f'{package} ({why})' for package, why in missing.items())} comes with it"
        yield Finding(_ID, word.span, message, change(build, stage, name, [*missing]), smaller.saves)


def _kept(build: Build, stage: Stage, known: Known, smaller: Smaller, name: str) -> str:
    if not smaller.edit:
        return "it is another image, whose packages only the author can choose from"
    if not name:
        return "its name has a digest, or variables that the smaller one's name cannot be made of"
    if known.base.system != "debian":
        return "its system has no apt"
    opaque = unread(build, stage)
    if opaque is not None:
        return f"line {opaque.line} runs what cannot be read: what it needs of the base is not known"
    if "" in lacking(build, stage, smaller):
        return "the build uses what the smaller one cannot have"
    return ""


RULE = Rule(
    _ID,
    "A larger base image than needed",
    Risk.LIKELY,
    Severity.WARNING,
    "Choosing another base is the best single lever: the slim variant has the same interpreter on the same system, "
    "without compilers and headers. What the build calls and it lacks is installed by name.",
    "https://docs.docker.com/build/building/best-practices/#choose-the-right-base-image",
    _look,
)
