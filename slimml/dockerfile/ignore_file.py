""".dockerignore: which paths of a context its patterns leave out, as moby's patternmatcher decides.

https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Pattern:
    """One line: what it matches (a path or a parent of one), and whether it takes back what lines before left out."""

    text: str
    expression: re.Pattern[str]
    back: bool


@dataclass(frozen=True)
class Ignored:
    """The patterns of a file; the last one that matches a path decides."""

    patterns: tuple[Pattern, ...]

    def matches(self, path: str) -> bool:
        """Whether the file at `path` (relative, with slashes) is left out, itself or with a directory above it."""
        found = False
        for pattern in self.patterns:
            if pattern.back == found and _reaches(pattern, path):
                found = not pattern.back
        return found


def parse_ignore(text: str) -> Ignored:
    """The patterns of a .dockerignore file. A line that is no proper pattern is passed over."""
    patterns = []
    for line in text.removeprefix("\ufeff").splitlines():
        if line.startswith("#"):
            continue
        word = line.strip()
        back = word.startswith("!")
        word = word[1:].strip() if back else word
        if not word:
            continue
        cleaned = posixpath.normpath(word).lstrip("/")
        expression = _expression(cleaned) if cleaned not in ("", ".") else None
        if expression is not None:
            patterns.append(Pattern(line, expression, back))
    return Ignored(tuple(patterns))


def _reaches(pattern: Pattern, path: str) -> bool:
    at = len(path)
    while at > 0:
        if pattern.expression.fullmatch(path[:at]):
            return True
        at = path.rfind("/", 0, at)
    return False


def _expression(pattern: str) -> re.Pattern[str] | None:
    """Go's filepath.Match, with ** for any number of directories."""
    made, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        if pattern.startswith("**", at):
            at += 2
            if pattern.startswith("/", at):
                at += 1
                made.append("(?:.*/)?")
            else:
                made.append(".*")
            continue
        if char == "[":
            end = pattern.find("]", at + 2)
            if end < 0:
                return None
            inside = pattern[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            made.append(f"[{inside}]")
            at = end + 1
            continue
        if char == "\\" and at + 1 < len(pattern):
            at += 1
            made.append(re.escape(pattern[at]))
        else:
            made.append({"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char)))
        at += 1
    try:
        return re.compile("".join(made), re.DOTALL)
    except re.error:
        return None
