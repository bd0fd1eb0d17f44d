"""What a shell makes of a word: quotes and escapes gone, variables put in where their values are known."""

from __future__ import annotations

import re

from slimml.dockerfile.lexer import NotKnown
from slimml.dockerfile.variables import Environment

_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_BRACES = re.compile(r"\{([^{}]*)\}")
_IN_DOUBLE = '$`"\\\n'


class _Unknown(Exception):
    pass


def unquote(raw: str, environment: Environment) -> tuple[str | None, bool]:
    """The value of a word and whether it is a pattern of file names; None when only the run of it can tell.

    A word is not known when it has a substitution, a variable without a known value or with white space in it outside
    quotes, a leading `~` or braces that make many words of it.
    """
    try:
        return _read(raw, environment)
    except _Unknown:
        return None, False


def _read(raw: str, environment: Environment) -> tuple[str, bool]:
    bare = re.sub(r"\\.|'[^']*'|\"[^\"]*\"", "", raw)
    if raw.startswith("~") or any("," in found[1] or ".." in found[1] for found in _BRACES.finditer(bare)):
        raise _Unknown
    made, at, pattern = [], 0, False
    while at < len(raw):
        char = raw[at]
        if char == "'":
            end = _closing(raw, at, "'")
            made.append(raw[at + 1 : end])
            at = end + 1
        elif char == '"':
            text, at = _double(raw, at + 1, environment)
            made.append(text)
        elif char == "\\":
            made.append("" if raw[at + 1 : at + 2] == "\n" else raw[at + 1 : at + 2])
            at += 2
        elif char in "$`":
            text, at = _variable(raw, at, environment)
            if re.search(r"[\s*?\[]", text):
                raise _Unknown
            made.append(text)
        else:
            pattern = pattern or char in "*?["
            made.append(char)
            at += 1
    return "".join(made), pattern


def _closing(raw: str, at: int, quote: str) -> int:
    end = raw.find(quote, at + 1)
    if end < 0:
        raise _Unknown
    return end


def _double(raw: str, at: int, environment: Environment) -> tuple[str, int]:
    made: list[str] = []
    while at < len(raw):
        char = raw[at]
        if char == '"':
            return "".join(made), at + 1
        if char == "\\" and raw[at + 1 : at + 2] in _IN_DOUBLE:
            made.append(raw[at + 1 : at + 2].replace("\n", ""))
            at += 2
        elif char in "$`":
            text, at = _variable(raw, at, environment)
            made.append(text)
        else:
            made.append(char)
            at += 1
    raise _Unknown


def _variable(raw: str, at: int, environment: Environment) -> tuple[str, int]:
    found = _VARIABLE.match(raw, at)
    if found is None:
        if raw[at] == "$" and not re.match(r"[\w({'\"@*#?$!-]", raw[at + 1 : at + 2]):
            return "$", at + 1
        raise _Unknown
    name = found[1] or found[2]
    try:
        value = environment.lookup(name)
    except NotKnown:
        raise _Unknown from None
    if value is None:
        # Not set by the Dockerfile; the shell's own variables (HOME, RANDOM) and the script's are not ours to know.
        raise _Unknown
    return value, found.end()
