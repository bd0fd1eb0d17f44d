"""The build step that made a layer, as a person wrote it: `created_by` without what builders put around it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory

_ARGUMENTS_AND_SHELL = re.compile(
    r"(?:RUN )?(?:\|\d+ (?P<arguments>.*?) ?)?"
    r"(?:/\S*/)?(?:ba|da|a|z|k)?sh(?: -[a-z]+(?: pipefail| errexit| nounset)*)*? -[a-z]*c(?: (?P<command>.*))?$",
    re.DOTALL,
)
_NOP = re.compile(r"#\(nop\) *")
_ANY_CREDENTIALS = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s@'\"]+@")
TOKEN = re.compile(
    r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{20,}|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}"
    r"|pypi-\w{16,}|npm_\w{30,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,})"
)
"""Texts that are keys of well-known services, by their form."""

_ASSIGNED = re.compile(
    r"(?P<name>\b\w*(?:password|passwd|secret|token|api_?key|access_?key)\w*)(?P<sign>=|: ?)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s;&|)]+)",
    re.IGNORECASE,
)


def build_step(created_by: str) -> str:
    """A history entry's `created_by` in one line.

    Shell prefixes (`/bin/sh -c #(nop)`, BuildKit's `RUN |1 A=b /bin/sh -c … # buildkit`) and the values of build
    arguments are left out; control and formatting characters are removed; what has the form of a credential is masked.
    """
    text = created_by.removesuffix("# buildkit")
    text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs", "Co"))
    text = " ".join(text.split())
    found = _ARGUMENTS_AND_SHELL.match(text)
    if found is not None:
        command = found["command"] or ""
        text = _NOP.sub("", command, count=1) if command.startswith("#(nop)") else f"RUN {command}"
    return masked(text.strip())


def masked(text: str) -> str:
    """`text` with `***` in place of what looks like a password, token or key."""
    text = _ANY_CREDENTIALS.sub(r"\g<scheme>***@", text)
    text = TOKEN.sub("***", text)
    return _ASSIGNED.sub(_mask_value, text)


def _mask_value(found: re.Match[str]) -> str:
    value = found["value"]
    # A variable or a file name is not the secret itself, and says how the build gets at it.
    if value.strip("\"'")[:1] in ("$", "/", "") or len(value.strip("\"'")) < 4:
        return found.group()
    return f"{found['name']}{found['sign']}***"


def build_steps(inventory: Inventory) -> list[str]:
    """For each layer its build step, "" where the history does not tell."""
    return [build_step(layer.history.created_by) if layer.history else "" for layer in inventory.image.layers]
