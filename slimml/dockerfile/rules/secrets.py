"""Secrets in ENV, ARG and the words of RUN."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slimml.dockerfile.rule import Finding, Risk, Rule, Severity

if TYPE_CHECKING:
    from slimml.dockerfile.build import Build

_ID = "secrets"
_NAME = re.compile(
    r"(^|_)(password|passwd|secret|token|apikey|api_key|access_key|private_key|credentials?|secret_key|auth)(_|$)"
    r"|^(hf|gh|github|gitlab|openai|wandb|aws_secret|anthropic|huggingface|pypi|npm|kaggle)_.*(token|key)$",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"_(file|path|url|uri|dir|name|type|expire\w*|ttl|length|max|min|limit|parallelism)$|tokenizers?_", re.IGNORECASE
)
_FORM = re.compile(
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,}|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}"
    r"|pypi-\w{16,}|npm_\w{30,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,})|://[^/\s:@$]+:[^/\s@$]+@"
)


def _look(build: Build) -> Iterator[Finding]:
    for stage in build.stages:
        for one in stage.instructions:
            if one.name in ("ENV", "ARG"):
                for key, value in one.pairs:
                    text = (value.text if value else "").strip("\"'")
                    named = _NAME.search(key.text) and not _HARMLESS.search(key.text)
                    # An ENV that only clears a variable holds no secret; an ARG is in the history with its value.
                    if _FORM.search(text) or (named and (text or one.name == "ARG")):
                        message = f"{one.name} {key.text} keeps a secret in the image's {_where(one.name)}"
                        yield Finding(_ID, key.span, message)
            elif one.name == "RUN" and _FORM.search(one.arguments.text):
                yield Finding(_ID, one.text_span, "a secret stands in the words of RUN, and so in the image's history")


def _where(name: str) -> str:
    return "configuration, for everybody who pulls it" if name == "ENV" else "history, where the build is given it"


RULE = Rule(
    _ID,
    "A secret in the image",
    Risk.ASK,
    Severity.ERROR,
    "Whoever pulls the image reads it. Give a build its secrets as mounts (RUN --mount=type=secret,id=token,env=TOKEN "
    "…, docker build --secret id=token), and a container its own when it starts. What reads the variable has to be "
    "changed with it, so that no edit is made.",
    "https://docs.docker.com/build/building/secrets/",
    _look,
    edits=False,
)
