"""Packages that something of is used: whole at the depth of distributions, and what they cannot do without."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from slimml.inventory.form import ELF_EXECUTABLE, ELF_SHARED
from slimml.inventory.owner import System
from slimml.usage.closure.keeping import DATABASES, OPERATING_SYSTEM, PACKAGED
from slimml.usage.closure.spare import spare_rows
from slimml.usage.closure_result import Depth

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slimml.inventory.owner import Owner
    from slimml.usage.closure.keeping import Keeping

_RIGHT_IN_SITE = re.compile(r"(?:site|dist)-packages/[^/]+$")
_TOP_IN_SITE = re.compile(r"((?:.*/)?(?:site|dist)-packages/[^/]+)/")
_OF_PYTHON = ("python3-", "py3-", "python-")


class Packages:
    """Follows owners: from a row to its package, from a package to its rows and to the packages that it needs."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping

    @cached_property
    def spare(self) -> NDArray[np.bool_]:
        """Rows that a whole package does without."""
        return spare_rows(self._keeping.inventory)

    def owner_of(self, row: int) -> None:
        """A kept file says that its package is used; a directory, or what is read of every package, says nothing."""
        keeping = self._keeping
        if keeping.is_directory[row] or row in keeping.silent:
            return
        owner = int(keeping.inventory.owner[row])
        if owner not in keeping.owners:
            keeping.keep_owner(owner, f"of which /{keeping.paths[row]} is used: {keeping.reasons[keeping.why[row]]}")

    def keep_parts(self, owner: int) -> None:
        """Keep the rows of a kept package that it is always kept with: its records, and at this depth all of it.

        At the strict depth only records, lest a database contradict itself, or scanners miss what is there.
        """
        keeping = self._keeping
        for row, reason in keeping.take_deferred(owner):
            keeping.defer(row, reason)
        if keeping.depth is Depth.STRICT:
            self._keep_records(owner)
            return
        label = keeping.inventory.owners[owner].label
        rows = keeping.rows_of_owner.get(owner, ())
        if keeping.depth is Depth.MODULE and keeping.inventory.owners[owner].system is System.PYTHON:
            keeping.keep_all(self._tops(rows), f"what is imported first of {label}, {keeping.owners[owner]}")
        else:
            keeping.keep_all((row for row in rows if self._wanted(row)), f"part of {label}, {keeping.owners[owner]}")
        self._keep_records(owner)

    def _keep_records(self, owner: int) -> None:
        keeping = self._keeping
        label = keeping.inventory.owners[owner].label
        for path in keeping.inventory.owners[owner].database:
            if path in keeping.live:
                row = keeping.live[path]
                keeping.keep(row, f"it records {label}, which is kept")
                keeping.keep_owner(int(keeping.inventory.owner[row]), f"which holds the records of {label}")

    def keep_records_of_parts(self) -> None:
        """Keep the records of packages of which something stays though nothing of them is used: dpkg's own database."""
        for owner in self._keeping.rows_of_owner:
            system = self._keeping.inventory.owners[owner].system
            if system in OPERATING_SYSTEM and owner not in self._keeping.owners and _is_left(self._keeping, owner):
                self._keep_records(owner)

    def _tops(self, rows: Iterable[int]) -> list[int]:
        """Modules of a distribution that stand at the top: right in the site, or the `__init__` nearest to it."""
        paths = self._keeping.paths
        modules = [row for row in rows if paths[row].endswith((".py", ".so")) and self._wanted(row)]
        inits = [row for row in modules if "/__init__." in paths[row]]
        nearest = min((paths[row].count("/") for row in inits), default=0)
        return [row for row in modules if _RIGHT_IN_SITE.search(paths[row])] + [
            row for row in inits if paths[row].count("/") == nearest
        ]

    def _wanted(self, row: int) -> bool:
        return not (self.spare[row] or self._keeping.is_directory[row])

    def keep_required(self, owner: int) -> None:
        """Keep what a package of conda or npm needs, and of the operating system's those that are data.

        Programs and libraries of the operating system are found by being opened, by ELF needs and by the rules of
        scripts; Depends also name what maintainer scripts run, which no container does.
        """
        keeping = self._keeping
        package = keeping.inventory.owners[owner]
        if package.system is System.PYTHON or keeping.depth is Depth.STRICT:
            return
        if package.system is System.NPM:
            for other in self._tree_of(package):
                keeping.keep_owner(other, f"which stands in one node_modules with {package.label}")
        for requirement in package.requires:
            for name in requirement.split("|"):
                for other in self._providers.get((package.system, _bare(name)), ()):
                    followed = package.system not in OPERATING_SYSTEM or _both_of_python(package.name, name)
                    if followed or self._is_data(other):
                        keeping.keep_owner(other, f"which {package.label} requires")

    def _tree_of(self, package: Owner) -> Iterable[int]:
        """All npm packages of one application: what its sources require is not read, and nothing says it lazily."""
        return self._trees.pop(_tree(package), ())

    @cached_property
    def _trees(self) -> dict[str, list[int]]:
        """npm packages by the directory that their outermost node_modules is in."""
        found: dict[str, list[int]] = {}
        for position, owner in enumerate(self._keeping.inventory.owners):
            if owner.system is System.NPM:
                found.setdefault(_tree(owner), []).append(position)
        return found

    def _is_data(self, owner: int) -> bool:
        """Whether a package has neither programs nor libraries."""
        keeping = self._keeping
        rows = keeping.rows_of_owner.get(owner, ())
        forms = keeping.forms
        return bool(rows) and not any(
            forms[row] in (ELF_EXECUTABLE, ELF_SHARED) or "bin/" in keeping.paths[row][:10] for row in rows
        )

    @cached_property
    def _providers(self) -> dict[tuple[System, str], list[int]]:
        found: dict[tuple[System, str], list[int]] = {}
        for position, owner in enumerate(self._keeping.inventory.owners):
            for name in dict.fromkeys((owner.name, _bare(owner.name), *map(_bare, owner.provides))):
                found.setdefault((owner.system, name), []).append(position)
        return found

    def keep_own_files(self) -> None:
        """Keep the application's files, and those of packages whose database could not be read."""
        keeping = self._keeping
        for position, owner in enumerate(keeping.inventory.owners):
            if self._is_editable(position):
                keeping.keep_owner(position, "which tells of the application's own sources (an editable install)")
            if owner.system is System.APPLICATION:
                reason = "one of the application's own files, which no package brought"
            elif owner.system is System.UNKNOWN:
                reason = f"of a package that is not known: {owner.place} could not be read"
                keeping.note(f"{owner.place} could not be read; files that may be of {owner.name} packages all stay")
            else:
                continue
            self._keep_unowned([row for row in keeping.rows_of_owner.get(position, ()) if self._own(row)], reason)

    def _keep_unowned(self, rows: Sequence[int], reason: str) -> None:
        """Keep files of nobody. One that lies in a distribution's directory waits for the distribution.

        Such were made by its use, or by hand; alone they would be a namespace package in the place of one that went.
        """
        keeping = self._keeping
        tops = {row: match[1] for row in rows if (match := _TOP_IN_SITE.match(keeping.paths[row]))}
        hosts = self._hosts(set(tops.values())) if tops else {}
        for row in rows:
            for host in hosts.get(tops.get(row, ""), ()):
                keeping.wait(row, host, reason)
            if row not in tops or tops[row] not in hosts:
                keeping.keep(row, reason)

    def _hosts(self, tops: set[str]) -> dict[str, list[int]]:
        """The packages that have files in each of these directories."""
        keeping = self._keeping
        found: dict[str, list[int]] = {}
        for owner, rows in keeping.rows_of_owner.items():
            if keeping.inventory.owners[owner].system in PACKAGED:
                matches = (_TOP_IN_SITE.match(keeping.paths[row]) for row in rows)
                for top in {match[1] for match in matches if match} & tops:
                    found.setdefault(top, []).append(owner)
        return found

    def _is_editable(self, owner: int) -> bool:
        """Whether a distribution has records alone, and one says where its modules are: with the application.

        One without such a record is there for what it requires only, and may go.
        """
        keeping = self._keeping
        rows = keeping.rows_of_owner.get(owner, ())
        package = keeping.inventory.owners[owner]
        if package.system is not System.PYTHON or not all(row in keeping.silent for row in rows):
            return False
        direct = keeping.root.captured.get(f"{package.place}/direct_url.json", b"")
        return b'"editable"' in direct or any(keeping.paths[row].endswith((".pth", ".egg-link")) for row in rows)

    def _own(self, row: int) -> bool:
        keeping = self._keeping
        dangles = keeping.paths[row] in keeping.root.links
        recorded = keeping.paths[row].startswith(DATABASES)
        return not (keeping.is_directory[row] or self.spare[row] or dangles or recorded)


def _is_left(keeping: Keeping, owner: int) -> bool:
    """Whether something but directories is kept of an owner."""
    return any(keeping.why[row] and not keeping.is_directory[row] for row in keeping.rows_of_owner.get(owner, ()))


def dropped_owners(keeping: Keeping) -> tuple[int, ...]:
    """Packages with files in the image of which nothing but directories is kept."""
    inventory = keeping.inventory
    return tuple(
        position
        for position, owner in enumerate(inventory.owners)
        if owner.system in PACKAGED
        and position not in keeping.owners
        and keeping.rows_of_owner.get(position)
        and not _is_left(keeping, position)
    )


def _tree(package: Owner) -> str:
    return f"/{package.place}/".partition("/node_modules/")[0]


def _bare(name: str) -> str:
    for end in (" ", ":", "(", "<", ">", "=", "~", "["):
        name = name.split(end, 1)[0]
    return name


def _both_of_python(name: str, required: str) -> bool:
    """Packages of Python modules need each other as distributions do."""
    return name.startswith(_OF_PYTHON) and required.startswith(_OF_PYTHON)
