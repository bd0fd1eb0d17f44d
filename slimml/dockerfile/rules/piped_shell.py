"""A program from the network that runs unseen: curl … | sh."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "piped-shell"
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ash", "python", "python3", "perl", "node"})
_FETCH = frozenset({"curl", "wget"})
_CHECKED = re.compile(r"\b(sha256sum|sha512sum|sha1sum|shasum|gpg2?|minisign|cosign|gpgv)\b")


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for run, script in build.scripts(stage):
            if _CHECKED.search(run.arguments.text):
                continue
            fetched = None
            for command in script.commands:
                if command.program in _FETCH:
                    fetched = command
                elif command.program in _SHELLS and command.operator == "|" and fetched is not None:
                    message = f"{fetched.program} gives {command.program} what the network sends, unseen"
                    yield Finding(_ID, fetched.span, message)
                    fetched = None


RULE = Rule(
    _ID,
    "A script from the network runs unchecked",
    Risk.ASK,
    Severity.WARNING,
    "Whoever controls the server, or the name, runs programs in the build. Fetch a version, compare its checksum, then "
    'run it: curl -fsSLO … && echo "<sha256>  install.sh" | sha256sum -c && sh install.sh; or copy the program out of '
    "its publisher's image (COPY --from=ghcr.io/astral-sh/uv …). The checksum only the author can look up.",
    "https://docs.docker.com/reference/dockerfile/#add---checksum",
    _look,
    edits=False,
)
