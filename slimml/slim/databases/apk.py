"""apk's installed database after a removal (apk-package(5), "installed DB v2"), and the list of wishes, world."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.inventory.owner import System
from slimml.slim.databases.removal import Removal, Update, encoded, text

if TYPE_CHECKING:
    from slimml.slim.plan import Edit

_DATABASES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_WORLD = "etc/apk/world"
_OF_A_FILE = ("a:", "Z:")


@dataclass(frozen=True)
class WithoutPackages:
    """The installed database without these packages, and without these files (directory, name) of the others."""

    packages: frozenset[str]
    files: frozenset[tuple[str, str]]

    def apply(self, content: bytes) -> bytes:
        """The other packages, byte for byte but for lines of files that went."""
        blocks = text(content).split("\n\n")
        return encoded("\n\n".join(self._block(block) for block in blocks if not self._goes(block)))

    def _goes(self, block: str) -> bool:
        return any(line[2:] in self.packages for line in block.split("\n") if line.startswith("P:"))

    def _block(self, block: str) -> str:
        kept = []
        directory = ""
        skipping = False
        for line in block.split("\n"):
            if line.startswith("F:"):
                directory, skipping = line[2:], False
            elif line.startswith("R:"):
                skipping = (directory, line[2:]) in self.files
            elif not line.startswith(_OF_A_FILE):
                skipping = False
            if not skipping:
                kept.append(line)
        return "\n".join(kept)


@dataclass(frozen=True)
class WithoutWishes:
    """`world` without these packages."""

    packages: frozenset[str]

    def apply(self, content: bytes) -> bytes:
        """The other lines."""
        lines = text(content).splitlines(keepends=True)
        return encoded("".join(line for line in lines if re.split(r"[<>=~@\s]", line)[0] not in self.packages))


def update(removal: Removal) -> Update:
    """The edits that make apk's database true to what is left."""
    removed = frozenset(owner.name for owner in removal.owners if owner.system is System.APK)
    edits: dict[str, Edit] = {}
    for path in dict.fromkeys(removal.root.place(name) for name in _DATABASES):
        content = removal.root.captured.get(path)
        if content is None:
            continue
        files = frozenset(_gone_files(removal, text(content)))
        if files or removed:
            edits[path] = WithoutPackages(removed, files)
    if removed and _WORLD in removal.root.live:
        edits[_WORLD] = WithoutWishes(removed)
    return Update(edits)


def _gone_files(removal: Removal, database: str) -> list[tuple[str, str]]:
    found = []
    directory = ""
    for line in database.split("\n"):
        if line.startswith("F:"):
            directory = line[2:]
        elif line.startswith("R:") and removal.gone(f"{directory}/{line[2:]}"):
            found.append((directory, line[2:]))
    return found
