"""Compilers and -dev packages in the image that runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.multi_stage import part
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity
from slimml.dockerfile.stage_split import Mingled

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "multi-stage"


def _look(build: Build) -> Iterator[Finding]:
    span = build.final.start.text_span
    try:
        parted = part(build)
    except Mingled as reason:
        message = "what builds the application is in the image that runs it"
        yield Finding(_ID, span, message, kept=f"{reason}")
        return
    if parted is not None:
        names = ", ".join(parted.building)
        message = f"{names} serve to build: a stage of their own has them, and the last one copies what was built"
        yield Finding(_ID, span, message, parted.edits, parted.saves)


RULE = Rule(
    _ID,
    "Build tools in the image that runs",
    Risk.LIKELY,
    Severity.WARNING,
    "A first stage builds with compilers and headers, and installs into a virtual environment; the last one "
    "starts from "
    "the same base, installs what is loaded at run time, and copies environment and application to the same "
    "paths. What "
    "was removed or given to another user on the way takes no room.",
    "https://docs.docker.com/build/building/multi-stage/",
    _look,
)
