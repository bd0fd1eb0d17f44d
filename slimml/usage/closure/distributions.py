"""What Python distributions require: Requires-Dist with markers and extras, and plug-ins by entry points."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from slimml.inventory.owner import Owner, System
from slimml.inventory.owners.package import text_of
from slimml.inventory.owners.python_metadata import normalised

if TYPE_CHECKING:
    from packaging.requirements import Requirement

    from slimml.usage.closure.keeping import Keeping
    from slimml.usage.closure.python_names import Names

_PYTHON = re.compile(r"(?:.*/)?python(3\.\d+)(?:/.*)?")
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "386": "i686"}
_FOR_DEVELOPERS = re.compile(
    r"(?:console_scripts|gui_scripts|(?:distutils|setuptools|egg_info|babel|pip)\..*"
    r"|(?:pytest|flake8|pylint|mypy|sphinx|hypothesis|cov|hatch).*)"
)


class Distributions:
    """Follows requirements. An extra counts when a kept distribution, or the application's own list, asks for it."""

    def __init__(self, keeping: Keeping, names: Names, asked: Iterable[str] = ()) -> None:
        self._keeping, self._names = keeping, names
        self._extras: dict[int, set[str]] = {}
        self._done: set[tuple[int, frozenset[str]]] = set()
        for line in asked:
            requirement = _parsed(line)
            if requirement is not None:
                for owner in self._positions.get(normalised(requirement.name), ()):
                    self._extras.setdefault(owner, set()).update(requirement.extras)

    def keep_required(self) -> None:
        """Keep what the kept distributions require that were not looked at with the extras they now have."""
        keeping = self._keeping
        pending = [owner for owner in keeping.owners if self._is_distribution(owner)]
        while pending:
            owner = pending.pop()
            state = (owner, frozenset(self._extras.get(owner, ())))
            if state in self._done:
                continue
            self._done.add(state)
            label = keeping.inventory.owners[owner].label
            for requirement in self._required(owner):
                for other in self._positions.get(normalised(requirement.name), ()):
                    self._extras.setdefault(other, set()).update(requirement.extras)
                    keeping.keep_owner(other, f"which {label} requires")
                    self._keep_holder(other, label)
                    pending.append(other)

    def keep_plugins(self) -> None:
        """Keep distributions that offer plug-ins, by entry points, to a kept one."""
        keeping = self._keeping
        for owner, groups in self._groups.items():
            if owner not in keeping.owners:
                for group in groups:
                    host, dot, _ = group.partition(".")
                    hosts = {int(keeping.inventory.owner[row]) for row in self._names.installed(host)} if dot else set()
                    if not hosts.isdisjoint(keeping.owners):
                        keeping.keep_owner(owner, f"which offers {group} to a distribution that is kept")

    def _keep_holder(self, owner: int, label: str) -> None:
        """A distribution that an OS or conda package brought has no rows of its own: that package stays."""
        keeping = self._keeping
        for path in keeping.inventory.owners[owner].database:
            if path in keeping.live:
                keeping.keep_owner(int(keeping.inventory.owner[keeping.live[path]]), f"which {label} requires")

    def _is_distribution(self, owner: int) -> bool:
        return self._keeping.inventory.owners[owner].system is System.PYTHON

    def _required(self, owner: int) -> Iterator[Requirement]:
        extras = self._extras.get(owner) or ()
        for requirement in self._requirements(owner):
            marker = requirement.marker
            if marker is None or any(
                marker.evaluate(self._environment | {"extra": one}) for one in ("", *sorted(extras))
            ):
                yield requirement

    def _requirements(self, owner: int) -> list[Requirement]:
        package = self._keeping.inventory.owners[owner]
        metadata = self._metadata(package)
        lines = re.findall(
            r"^Requires-Dist:(.*)$", text_of(metadata.partition(b"\n\n")[0]), re.MULTILINE | re.IGNORECASE
        )
        parsed = [_parsed(line.strip()) for line in lines or package.requires]
        return [requirement for requirement in parsed if requirement is not None]

    def _metadata(self, package: Owner) -> bytes:
        for name in ("METADATA", "PKG-INFO"):
            content = self._keeping.root.captured.get(f"{package.place}/{name}")
            if content is not None:
                return content.replace(b"\r\n", b"\n")
        return b""

    @cached_property
    def _positions(self) -> Mapping[str, list[int]]:
        found: dict[str, list[int]] = {}
        for position, owner in enumerate(self._keeping.inventory.owners):
            if owner.system is System.PYTHON:
                found.setdefault(normalised(owner.name), []).append(position)
        return found

    @cached_property
    def _groups(self) -> Mapping[int, list[str]]:
        """Groups of entry points that each distribution has something in, but for those of developers' tools."""
        found: dict[int, list[str]] = {}
        for position, owner in enumerate(self._keeping.inventory.owners):
            content = self._keeping.root.captured.get(f"{owner.place}/entry_points.txt")
            if owner.system is System.PYTHON and content is not None:
                groups = _sections(text_of(content))
                found[position] = [group for group in groups if not _FOR_DEVELOPERS.fullmatch(group)]
        return found

    @cached_property
    def _environment(self) -> dict[str, str]:
        """The markers' variables as the image's Python has them (PyPA, "Dependency specifiers")."""
        platform = self._keeping.inventory.image.config.platform
        versions = sorted({match[1] for path in self._keeping.below if (match := _PYTHON.fullmatch(path))}, key=_number)
        version = versions[-1] if versions else "3.11"
        return {
            "python_version": version,
            "python_full_version": f"{version}.0",
            "implementation_name": "cpython",
            "implementation_version": f"{version}.0",
            "platform_python_implementation": "CPython",
            "os_name": "posix",
            "sys_platform": "linux",
            "platform_system": "Linux",
            "platform_release": "",
            "platform_version": "",
            "platform_machine": _MACHINES.get(platform.architecture, platform.architecture),
        }


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _sections(text: str) -> list[str]:
    parser = configparser.RawConfigParser(delimiters=("=",), strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    return parser.sections()


def _parsed(line: str) -> Requirement | None:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(line.partition(" #")[0].strip())
    except InvalidRequirement:
        # Old metadata has specifiers that nobody may write today; the name is what counts here.
        match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)
        return Requirement(match[0]) if match and "extra" not in line else None
