"""A service that tells nobody whether it is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "healthcheck"


def _look(build: Build) -> Iterator[Finding]:
    around = [one for stage in build.lineage(build.final) for one in stage.instructions]
    ports = [one for one in around if one.name == "EXPOSE"]
    if ports and not any(one.name == "HEALTHCHECK" for one in around):
        yield Finding(_ID, ports[-1].text_span, "a port is exposed, and no HEALTHCHECK says whether it answers")


RULE = Rule(
    _ID,
    "No HEALTHCHECK",
    Risk.ASK,
    Severity.NOTE,
    'An engine that is told how to ask replaces what hangs: HEALTHCHECK CMD ["python", "-c", "import urllib.request '
    "as u; u.urlopen('http://127.0.0.1:8000/health')\"]. Which path answers only the author knows; "
    "Kubernetes has probes of its own.",
    "https://docs.docker.com/reference/dockerfile/#healthcheck",
    _look,
    edits=False,
)
