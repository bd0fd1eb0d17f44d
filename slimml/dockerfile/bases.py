"""The table of base images: what an image that a FROM names is, and which smaller ones there are of it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from slimml.errors import NotFound, UsageError

_MEGABYTE = 1_000_000
_HUB = re.compile(r"^(?:(?:index\.)?docker\.io/)?(?:library/)?")
_TEMPLATE = re.compile(r"\{(?P<before>-?)(?P<name>\w+)\}")


@dataclass(frozen=True)
class Smaller:
    """Another tag or image for the same purpose. `saves` is in bytes, an estimate.

    `lacks` names commands that it does not have, each with the package that brings it back ("" where none does).
    """

    to: str
    saves: int
    rule: str
    edit: bool
    lacks: Mapping[str, str]
    without: str


@dataclass(frozen=True)
class Base:
    """What is known of a base image. `system`, `python` and `cuda` are as bases.toml says."""

    image: str
    tag: re.Pattern[str]
    system: str
    python: str
    clean: bool
    cuda: str
    smaller: tuple[Smaller, ...]


@dataclass(frozen=True)
class Known:
    """A base image of the table, found for a name: what it is, and its smaller ones with their tags filled in."""

    base: Base
    repository: str
    tag: str

    def tag_of(self, smaller: Smaller) -> str:
        """The tag (or image:tag) that `smaller` proposes for this one; "" for a part that its tag does not have."""
        found = self.base.tag.fullmatch(self.tag)
        parts = found.groupdict() if found else {}

        def fill(match: re.Match[str]) -> str:
            value = parts.get(match["name"]) or ""
            return match["before"] + value if value else ""

        return _TEMPLATE.sub(fill, smaller.to)


@dataclass(frozen=True)
class Bases:
    """Entries in the order in which they are looked at: a user's first."""

    entries: tuple[Base, ...]

    def find(self, name: str) -> Known | None:
        """What the table says of `name` (repository[:tag][@digest], variables already expanded), None for nothing."""
        repository, tag = split_name(name)
        for entry in self.entries:
            if fnmatchcase(repository, entry.image) and entry.tag.fullmatch(tag):
                return Known(entry, repository, tag)
        return None


def split_name(name: str) -> tuple[str, str]:
    """Repository (without docker.io/library) and tag ("" where none is given) of an image's name; a digest is
    dropped."""
    name = name.partition("@")[0]
    repository, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = name, ""
    return _HUB.sub("", repository), tag


def load_bases(extra: Path | None = None) -> Bases:
    """The table, after the entries of the file `extra`; raises NotFound, UsageError."""
    own = _own()
    if extra is None:
        return own
    try:
        text = extra.read_text("utf-8")
    except OSError as error:
        raise NotFound(f"{extra}: {error.strerror}; --bases takes a TOML file of base images") from None
    except UnicodeDecodeError:
        raise UsageError(f"{extra} is no UTF-8 text; --bases takes a TOML file of base images") from None
    return Bases(_entries(text, str(extra)) + own.entries)


@cache
def _own() -> Bases:
    text = (resources.files("slimml.dockerfile") / "bases.toml").read_text("utf-8")
    return Bases(_entries(text, "bases.toml"))


def _entries(text: str, origin: str) -> tuple[Base, ...]:
    try:
        found = tomllib.loads(text)
        lacks = found.get("lacks", {})
        return tuple(_entry(entry, lacks) for entry in found.get("base", []))
    except (tomllib.TOMLDecodeError, re.error) as error:
        raise UsageError(f"{origin}: {error}") from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UsageError(f"{origin}: an entry has no proper {error}; see docs/dockerfile.md for its form") from None


def _entry(entry: Mapping[str, Any], lacks: Mapping[str, Mapping[str, str]]) -> Base:
    return Base(
        image=entry["image"],
        tag=re.compile(entry["tag"]),
        system=entry.get("system", "other"),
        python=entry.get("python", "package"),
        clean=bool(entry.get("clean", False)),
        cuda=entry.get("cuda", ""),
        smaller=tuple(_smaller(item, lacks) for item in entry.get("smaller", [])),
    )


def _smaller(item: Mapping[str, Any], lacks: Mapping[str, Mapping[str, str]]) -> Smaller:
    missing = item.get("lacks", {})
    return Smaller(
        to=item["to"],
        saves=int(item.get("saves", 0)) * _MEGABYTE,
        rule=item.get("rule", "slim-base"),
        edit=bool(item.get("edit", True)),
        lacks=dict(lacks[missing] if isinstance(missing, str) else missing),
        without=item.get("without", ""),
    )
