"""The shell patterns of `${NAME#…}`, `${NAME%…}` and `${NAME/…/…}`: `*` and `?`, nothing else, as in BuildKit."""

from __future__ import annotations

import re

_ANY = "*"


def without_prefix(value: str, pattern: str, longest: bool) -> str:
    """`value` without the shortest or longest beginning that matches; raises ValueError for a bad escape."""
    found = re.match(_regex(_atoms(pattern), longest), value)
    return value[found.end() :] if found else value


def without_suffix(value: str, pattern: str, longest: bool) -> str:
    """`value` without the shortest or longest end that matches; raises ValueError for a bad escape."""
    found = re.match(_regex(_atoms(pattern)[::-1], longest), value[::-1])
    return value[: len(value) - found.end()] if found else value


def replace_pattern(value: str, pattern: str, replacement: str, every: bool) -> str:
    """`value` with the first or every longest match replaced; raises ValueError for a bad escape."""
    return re.sub(_regex(_atoms(pattern), True), lambda found: replacement, value, count=0 if every else 1)


def _atoms(pattern: str) -> list[str]:
    """`*`, and regular expressions of one character each. Stars side by side are one."""
    atoms: list[str] = []
    chars = iter(pattern)
    for char in chars:
        if char == _ANY:
            if atoms[-1:] != [_ANY]:
                atoms.append(_ANY)
        elif char == "?":
            atoms.append(".")
        elif char == "\\":
            escaped = next(chars, "")
            if escaped not in ("*", "?", "\\", "}", "/"):
                raise ValueError(f"a pattern cannot escape {escaped!r}")
            atoms.append(re.escape(escaped))
        else:
            atoms.append(re.escape(char))
    return atoms


def _regex(atoms: list[str], longest: bool) -> str:
    return "".join((".*" if longest else ".*?") if atom == _ANY else atom for atom in atoms)
