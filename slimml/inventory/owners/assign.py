"""Assigns each row of an image to exactly one owner, from every package database in its merged root."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.owner import APPLICATION, Owner, System
from slimml.inventory.owners import apk, conda, dpkg, npm, python, rpm
from slimml.inventory.owners.derived import own_bytecode, own_directories, own_links
from slimml.inventory.owners.package import SYSTEM_DIRECTORIES, Found
from slimml.inventory.root import Root, merged_root
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

_ADMINISTRATORS = "usr/local/"


def assign_owners(inventory: Inventory) -> tuple[NDArray[np.int32], tuple[Owner, ...]]:
    """For each row of an inventory without owners the position of its owner, and the owners; 0 is the application.

    The package manager of the operating system comes before conda, conda before Python distributions, those before
    npm; where two packages of one system list a file, the first has it. Rows that are not live belong to whom their
    path belongs in the merged root. Whiteouts are the application's. Where a database could not be read, files that
    nobody owns, in system directories or the conda prefix, belong to an owner of System.UNKNOWN named after its system
    (`place`: what could not be read), not to the application. An owner may have no rows.
    """
    root = merged_root(inventory)
    claims = _Claims()
    claims.add(System.DPKG, dpkg.read(root))
    claims.add(System.APK, apk.read(root))
    claims.add(System.RPM, rpm.read(root))
    claims.add(System.CONDA, conda.read(root))
    claims.add(System.PYTHON, python.read(root, claims.owner_of))
    claims.add(System.NPM, npm.read(root, claims.owner_of))
    owner_of = claims.owner_of
    own_bytecode(root, owner_of)
    own_links(root, owner_of, claims.shared)
    own_directories(root, owner_of, claims.shared)

    owner = np.fromiter(map(owner_of.get, root.paths, repeat(0)), np.int32, len(root.paths))
    owner[(root.kinds == Kind.WHITEOUT) | (root.kinds == Kind.OPAQUE)] = 0
    for unknown, territory in claims.unreadable:
        owner[_unowned(root, owner, territory)] = len(claims.owners)
        claims.owners.append(unknown)
    return owner, tuple(claims.owners)


class _Claims:
    """Owners so far, and whose each path is; `shared` are paths that packages of one system both list."""

    def __init__(self) -> None:
        self.owners: list[Owner] = [APPLICATION]
        self.owner_of: dict[str, int] = {}
        self.shared: set[str] = set()
        self.unreadable: list[tuple[Owner, tuple[str, ...]]] = []

    def add(self, system: System, found: Found) -> None:
        """The packages of one database. What they list comes before what merely lies where it would be theirs."""
        start = len(self.owners)
        self.owners.extend(package.owner for package in found.packages)
        for number, package in enumerate(found.packages, start):
            self._claim(package.files, number, start)
        for number, package in enumerate(found.packages, start):
            for path in package.unlisted:
                self.owner_of.setdefault(path, number)
        for nothing in ("", "."):
            self.owner_of.pop(nothing, None)
        if found.unreadable:
            self.unreadable.append((Owner(System.UNKNOWN, system.value, place=found.unreadable), found.territory))

    def _claim(self, paths: Iterable[str], number: int, start: int) -> None:
        claim = self.owner_of.setdefault
        for path in paths:
            holder = claim(path, number)
            if holder != number and holder >= start:
                self.shared.add(path)


def _unowned(root: Root, owner: NDArray[np.int32], territory: tuple[str, ...]) -> list[int]:
    """Rows beneath `territory` that nobody owns, but for directories and what an administrator put beside packages."""
    markers = (Kind.WHITEOUT, Kind.OPAQUE, Kind.DIRECTORY)
    return [
        row
        for row in np.flatnonzero((owner == 0) & ~np.isin(root.kinds, markers)).tolist()
        if root.paths[row].startswith(territory)
        and (territory is not SYSTEM_DIRECTORIES or not root.paths[row].startswith(_ADMINISTRATORS))
    ]
