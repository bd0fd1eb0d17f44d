"""A base image whose name points to something else tomorrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.bases import split_name
from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "pinned-base"


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        word = stage.start.words[0]
        if not stage.base or stage.base == "scratch" or "@" in stage.base:
            continue
        _, tag = split_name(stage.base)
        if tag in ("", "latest"):
            yield Finding(_ID, word.span, f"{stage.base} is whatever is the newest: name a version and its digest")
        else:
            yield Finding(_ID, word.span, f"{stage.base} has no digest: its tag moves with every rebuild of the base")


RULE = Rule(
    _ID,
    "The base image is not pinned",
    Risk.ASK,
    Severity.NOTE,
    "A tag is moved when its image is rebuilt; a digest is always the same bytes: FROM python:3.12-slim@sha256:…, as "
    "docker buildx imagetools inspect tells it, and a bot that proposes newer ones. Nothing is looked up, so "
    "that no edit "
    "is made.",
    "https://docs.docker.com/build/building/best-practices/#pin-base-image-versions",
    _look,
    edits=False,
)
