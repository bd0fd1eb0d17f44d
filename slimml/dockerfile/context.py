"""The build context: the files beside a Dockerfile, as far as they may be read, and what .dockerignore leaves of
them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from slimml.dockerfile.ignore_file import Ignored, parse_ignore

_TEXT_LIMIT = 1_000_000
_FILE_LIMIT = 200_000
"""more files than this are not counted"""
_SOURCES = (".py", ".sh", ".toml", ".cfg", ".ini", ".yaml", ".yml", ".json", ".js", ".ipynb")
IGNORE_FILE = ".dockerignore"


@dataclass(frozen=True)
class BuildContext:
    """The directory that is sent to a builder; `directory` None where it is not known, and everything is unknown then.

    `written` are files that rules make, over those of the directory.
    """

    directory: Path | None = None
    written: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether there is a directory."""
        return self.directory is not None

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Bytes of each regular file by its path below the directory. Symbolic links are not followed."""
        if self.directory is None:
            return {}
        found: dict[str, int] = {}
        for path, size in _walk(self.directory, ""):
            found[path] = size
            if len(found) >= _FILE_LIMIT:
                break
        return found

    @cached_property
    def ignored(self) -> Ignored:
        """What .dockerignore says."""
        return parse_ignore(self.text(IGNORE_FILE) or "")

    @cached_property
    def sent(self) -> dict[str, int]:
        """Those of `sizes` that a builder gets."""
        return {path: size for path, size in self.sizes.items() if not self.ignored.matches(path)}

    def text(self, path: str) -> str | None:
        """A small text file, None where it is not there, is large, is no UTF-8 or lies outside of the directory."""
        if path in self.written:
            return self.written[path]
        if self.directory is None:
            return None
        place = self.directory / path
        try:
            if not place.resolve().is_relative_to(self.directory.resolve()) or place.stat().st_size > _TEXT_LIMIT:
                return None
            return place.read_text("utf-8")
        except (OSError, ValueError):
            return None

    def sources(self) -> Iterator[tuple[str, str]]:
        """Path and text of the program and configuration files that a builder gets."""
        for path in self.sent:
            if path.endswith(_SOURCES):
                text = self.text(path)
                if text is not None:
                    yield path, text

    def mentions(self, words: re.Pattern[str], *, tests: bool = False) -> str:
        """The first source in which `words` is found, "" for none; tests and notebooks count only if asked for."""
        for path, text in self.sources():
            if (tests or not of_development(path)) and words.search(text):
                return path
        return ""

    @cached_property
    def imported(self) -> frozenset[str]:
        """Top-level modules that Python sources import, other than tests and notebooks."""
        found: set[str] = set()
        for path, text in self.sources():
            if path.endswith(".py") and not of_development(path):
                found.update(name.partition(".")[0] for name in _IMPORT.findall(text))
        return frozenset(found)

    def with_file(self, path: str, text: str) -> BuildContext:
        """The same with a file more."""
        return replace(self, written={**self.written, path: text})


_IMPORT = re.compile(r"^\s*(?:import|from)\s+([A-Za-z_][\w.]*)", re.MULTILINE)
_DEVELOPMENT = re.compile(
    r"(^|/)(tests?|testing|docs?|notebooks?|examples?|\.github)/|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$|\.ipynb$"
)


def of_development(path: str) -> bool:
    """Whether a path is one of tests, notebooks or documentation."""
    return _DEVELOPMENT.search(path) is not None


def _walk(directory: Path, below: str) -> Iterator[tuple[str, int]]:
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = f"{below}{entry.name}"
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{path}/")
            elif entry.is_file(follow_symlinks=False):
                yield path, entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
