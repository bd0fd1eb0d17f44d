"""What BuildKit asks of instructions beyond their form (its `instructions` package): each refusal with its line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slimml.dockerfile.instructions import KEYWORDS, Instruction, Malformed, Parts
from slimml.errors import InvalidDockerfile

_STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*\Z")
_NEEDS_ONE = ("ARG", "ENV", "EXPOSE", "LABEL", "ONBUILD", "RUN", "VOLUME", "HEALTHCHECK", "SHELL")
_EXACTLY_ONE = ("MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR")
_NOT_POSTPONED = ("ONBUILD", "FROM", "MAINTAINER")


def check_instruction(found: Instruction, parts: Parts) -> None:
    """Raises Malformed where a builder would refuse the instruction by itself."""
    name, words = found.name, found.words
    if name not in KEYWORDS:
        raise Malformed(f"{parts.written} is no instruction" if parts.written else "there is no instruction")
    if name == "ONBUILD":
        _check_postponed(found, parts)
        return
    if name in _NEEDS_ONE and not found.arguments.data:
        raise Malformed(f"{name} needs at least one argument")
    if name in _EXACTLY_ONE and not words:
        raise Malformed(f"{name} needs an argument")
    if name in ("ADD", "COPY") and len(words) < 2:
        raise Malformed(f"{name} needs a source and a destination")
    if name == "SHELL" and not (found.json and words):
        raise Malformed('SHELL takes its words as a JSON array: SHELL ["/bin/bash", "-c"]')
    if name in ("ENV", "LABEL", "ARG") and any(not key.text for key, _ in found.pairs):
        raise Malformed(f"{name} has a value without a name")
    if name == "FROM":
        _check_from(found)
    if name == "HEALTHCHECK":
        _check_healthcheck(found)


def check_order(instructions: Sequence[Instruction]) -> None:
    """Raises InvalidDockerfile when something else than ARG stands before the first FROM, or no FROM at all."""
    for found in instructions:
        if found.name == "FROM":
            return
        if found.name != "ARG":
            raise InvalidDockerfile(f"{found.name} stands before the first FROM; only ARG may", found.line)
    raise InvalidDockerfile("there is no FROM", instructions[-1].line)


def _check_from(found: Instruction) -> None:
    words = found.values
    if len(words) == 3 and words[1].lower() == "as":
        if not _STAGE_NAME.match(words[2].lower()):
            raise Malformed(f"{words[2]} is no name for a stage")
    elif len(words) != 1:
        raise Malformed("FROM takes an image, or an image AS a name")


def _check_healthcheck(found: Instruction) -> None:
    kind = found.values[0].upper()
    if kind == "NONE":
        if len(found.words) > 1:
            raise Malformed("HEALTHCHECK NONE takes no arguments")
    elif kind != "CMD":
        raise Malformed(f"HEALTHCHECK takes CMD or NONE, not {found.values[0]}")
    elif len(found.words) < 2:
        raise Malformed("HEALTHCHECK CMD needs a command")


def _check_postponed(found: Instruction, parts: Parts) -> None:
    if found.inner is None or parts.inner is None:
        raise Malformed("ONBUILD needs an instruction")
    if found.inner.name in _NOT_POSTPONED:
        raise Malformed(f"ONBUILD {found.inner.name} is not allowed")
    check_instruction(found.inner, parts.inner)
