"""Directories: cd that leads nowhere, and a relative WORKDIR whose beginning the base decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "workdir"


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        known = False
        for one in stage.instructions:
            if one.name == "WORKDIR":
                path = one.values[0].strip("\"'")
                if not known and stage.parent is None and not path.startswith(("/", "$")) and path[1:2] != ":":
                    yield Finding(_ID, one.text_span, f"WORKDIR {path} is relative to wherever the base stands")
                known = True
        for run, script in build.scripts(stage):
            if script.listed and script.listed[-1].program == "cd" and not script.listed[-1].nested:
                yield Finding(_ID, run.text_span, "cd at the end of a RUN has no effect on what follows")


RULE = Rule(
    _ID,
    "A directory that is not what it seems",
    Risk.ASK,
    Severity.WARNING,
    "Each RUN is a shell of its own: cd ends with it. WORKDIR with an absolute path says where everything after it "
    "happens. What the author meant is not plain, so that no edit is made.",
    "https://docs.docker.com/build/building/best-practices/#workdir",
    _look,
    edits=False,
)
