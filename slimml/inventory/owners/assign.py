"""Assigns each row of an image to exactly one owner, from every package database in its merged root."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.owner import APPLICATION, Owner, System
from slimml.inventory.owners import apk, conda, dpkg, npm, python, rpm
from slimml.inventory.owners.derived import own_bytecode, own_directories, own_links
from slimml.inventory.owners.package import Found
from slimml.inventory.root import Root, merged_root
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

_SYSTEM_DIRECTORIES = ("usr/", "bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/")
_ADMINISTRATORS = "usr/local/"


def assign_owners(inventory: Inventory) -> tuple[NDArray[np.int32], tuple[Owner, ...]]:
    """For each row of an inventory without owners the position of its owner, and the owners; 0 is the application.

    The package manager of the operating system comes before conda, conda before Python distributions, those before
    npm; where two packages of one system list a file, the first has it. Rows that are not live belong to whom their
    path belongs in the merged root. Whiteouts are the application's. Where a system's database could not be read, files
    in system directories that nobody owns belong to an owner of System.UNKNOWN named after it (`place`: what could not
    be read), not to the application. An owner may have no rows.
    """
    root = merged_root(inventory)
    claims = _Claims()
    unreadable = []
    for system, reader in ((System.DPKG, dpkg.read), (System.APK, apk.read), (System.RPM, rpm.read)):
        found = reader(root)
        claims.add(found)
        if found.unreadable:
            unreadable.append(Owner(System.UNKNOWN, system.value, place=found.unreadable))
    claims.add(conda.read(root))
    claims.add(python.read(root, claims.owner_of))
    claims.add(npm.read(root, claims.owner_of))
    owner_of = claims.owner_of
    own_bytecode(root, owner_of)
    own_links(root, owner_of, claims.shared)
    own_directories(root, owner_of, claims.shared)

    owner = np.fromiter(map(owner_of.get, root.paths, repeat(0)), np.int32, len(root.paths))
    owner[(root.kinds == Kind.WHITEOUT) | (root.kinds == Kind.OPAQUE)] = 0
    if unreadable:
        owner[_unknown(root, owner)] = len(claims.owners)
        claims.owners.append(unreadable[0])
    return owner, tuple(claims.owners)


class _Claims:
    """Owners so far, and whose each path is; `shared` are paths that packages of one system both list."""

    def __init__(self) -> None:
        self.owners: list[Owner] = [APPLICATION]
        self.owner_of: dict[str, int] = {}
        self.shared: set[str] = set()

    def add(self, found: Found) -> None:
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

    def _claim(self, paths: Iterable[str], number: int, start: int) -> None:
        claim = self.owner_of.setdefault
        for path in paths:
            holder = claim(path, number)
            if holder != number and holder >= start:
                self.shared.add(path)


def _unknown(root: Root, owner: NDArray[np.int32]) -> list[int]:
    """Rows without owner that a system's package manager would have brought."""
    markers = (Kind.WHITEOUT, Kind.OPAQUE, Kind.DIRECTORY)
    return [
        row
        for row in np.flatnonzero((owner == 0) & ~np.isin(root.kinds, markers)).tolist()
        if root.paths[row].startswith(_SYSTEM_DIRECTORIES) and not root.paths[row].startswith(_ADMINISTRATORS)
    ]
