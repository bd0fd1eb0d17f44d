"""An image whose program runs as root."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "root-user"


def _look(build: Build) -> Iterator[Finding]:
    users = [one for stage in build.lineage(build.final) for one in reversed(stage.instructions) if one.name == "USER"]
    if not users:
        known = build.known(build.final)
        if known is None or known.base.python != "none":
            yield Finding(_ID, build.final.start.text_span, "no USER: the program runs as root")
    elif users[0].values[0].strip("\"'").partition(":")[0] in ("root", "0"):
        yield Finding(_ID, users[0].text_span, "the last USER is root")


RULE = Rule(
    _ID,
    "The program runs as root",
    Risk.ASK,
    Severity.NOTE,
    "A program that somebody breaks into should own nothing: RUN useradd --create-home app, COPY --chown where "
    "it writes, "
    "and USER app before CMD. Which directories it writes to only the author knows.",
    "https://docs.docker.com/build/building/best-practices/#user",
    _look,
    edits=False,
)
