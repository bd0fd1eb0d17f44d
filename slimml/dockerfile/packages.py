"""What is known of packages: which are only for building, what libraries they leave, what distributions need."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

_SEPARATORS = re.compile(r"[-_.]+")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_VERSION = re.compile(r"[=/:].*")
_MEGABYTE = 1_000_000


def normalised(name: str) -> str:
    """A Python distribution's name as names are compared (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def distribution_of(requirement: str) -> str:
    """The normalised name at the beginning of a requirement (PEP 508), "" for a path, a URL or an option."""
    if requirement.startswith((".", "/", "-", "git+", "http:", "https:", "file:")) or requirement.endswith(".whl"):
        return ""
    found = _REQUIREMENT.match(requirement)
    return normalised(found[1]) if found else ""


@dataclass(frozen=True)
class Packages:
    """The table packages.toml."""

    building: re.Pattern[str]
    tools: re.Pattern[str]
    people: re.Pattern[str]
    development: re.Pattern[str]
    recommended: Mapping[str, str]
    runtime: Mapping[str, list[str]]
    distributions: Mapping[str, list[str]]
    source: Mapping[str, list[str]]
    cuda_compilers: frozenset[str]
    run_compilers: frozenset[str]
    bring_cuda: Mapping[str, int]
    megabytes: Mapping[str, int]

    def only_builds(self, package: str) -> bool:
        """Whether nothing needs the package of an apt-get command once software is built."""
        return self.building.fullmatch(bare(package)) is not None

    def is_tool(self, package: str) -> bool:
        """Whether it is a program that builds call, and that an application may call, too."""
        name = bare(package)
        return self.tools.fullmatch(name) is not None or self.people.fullmatch(name) is not None

    def libraries(self, package: str) -> list[str] | None:
        """The packages that what was built with a package needs; None where nobody knows."""
        name = bare(package)
        if name in self.runtime:
            return self.runtime[name]
        return None if name.endswith("-dev") else []

    def is_development(self, distribution: str) -> bool:
        """Whether a distribution (normalised) is for people who develop."""
        return self.development.fullmatch(distribution) is not None

    def development_bytes(self, distributions: Iterable[str]) -> int:
        """About how much distributions of development take with what they require, in bytes."""
        return sum(self.megabytes.get(name, self.megabytes["*"]) for name in distributions) * _MEGABYTE


def bare(package: str) -> str:
    """A package's name without its version, release or architecture (`libc6:amd64=2.36`)."""
    return _VERSION.sub("", package)


@cache
def packages() -> Packages:
    """The table, read once."""
    text = (resources.files("slimml.dockerfile") / "packages.toml").read_text("utf-8")
    found: dict[str, Any] = tomllib.loads(text)
    return Packages(
        building=re.compile("|".join(found["build"])),
        tools=re.compile("|".join(found["tools"])),
        people=re.compile("|".join(found["people"])),
        development=re.compile(found["development"]["names"]),
        recommended=found["recommended"],
        runtime=found["runtime"],
        distributions=found["distributions"],
        source=found["source"],
        cuda_compilers=frozenset(found["compilers"]["cuda"]),
        run_compilers=frozenset(found["compilers"]["run"]),
        bring_cuda=found["bring-cuda"],
        megabytes=found["development"]["megabytes"],
    )
