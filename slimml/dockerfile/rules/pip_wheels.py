"""Wheels that are copied or downloaded into a layer and installed from there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.installs import pip_installs
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "pip-wheels"


def _look(build: Build) -> Iterator[Finding]:
    stage = build.final
    for one in stage.instructions:
        if one.name in ("COPY", "ADD") and any(_wheels(word.text) for word in one.words[:-1]):
            yield Finding(_ID, one.text_span, "wheels are copied into a layer of their own, and stay there")
    for run, script in build.scripts(stage):
        for install in pip_installs(script):
            if install.verb.text in ("wheel", "download") and "rm -r" not in run.arguments.text:
                message = f"pip {install.verb.text} leaves wheels in the image beside what is installed from them"
                yield Finding(_ID, install.command.span, message)


def _wheels(source: str) -> bool:
    path = source.rstrip("/*")
    return source.endswith(".whl") or path.rpartition("/")[2] in ("wheels", "wheelhouse")


RULE = Rule(
    _ID,
    "Wheels are kept beside what they install",
    Risk.ASK,
    Severity.NOTE,
    "Build wheels in an earlier stage and install them from a mount (RUN --mount=type=bind,from=build,source=/wheels,"
    "target=/wheels pip install …), or install into a virtual environment there and copy that. Whether something later "
    "wants the wheels only the author knows.",
    "https://docs.docker.com/build/building/best-practices/#use-multi-stage-builds",
    _look,
    edits=False,
)
