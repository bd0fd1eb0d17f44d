"""apk's installed database after a removal (apk-package(5), "installed DB v2"), and the list of wishes, world."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slimml.inventory.owner import System
from slimml.slim.databases.removal import Removal, Update, encoded, text

if TYPE_CHECKING:
    from slimml.slim.plan import Edit
    from slimml.slim.replacing.offer import Smaller

_DATABASES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_WORLD = "etc/apk/world"
_OF_A_FILE = ("a:", "Z:")


@dataclass(frozen=True)
class WithoutPackages:
    """The installed database without these packages, and without these files (directory, name) of the others.

    `sums` are new checksums (`Q1…`, SHA-1 in base64) of files that stay.
    """

    packages: frozenset[str]
    files: frozenset[tuple[str, str]]
    sums: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def apply(self, content: bytes) -> bytes:
        """The other packages, byte for byte but for lines of files that went."""
        blocks = text(content).split("\n\n")
        return encoded("\n\n".join(self._block(block) for block in blocks if not self._goes(block)))

    def _goes(self, block: str) -> bool:
        return any(line[2:] in self.packages for line in block.split("\n") if line.startswith("P:"))

    def _block(self, block: str) -> str:
        kept = []
        directory = ""
        name = ""
        skipping = False
        for line in block.split("\n"):
            if line.startswith("F:"):
                directory, skipping = line[2:], False
            elif line.startswith("R:"):
                name = line[2:]
                skipping = (directory, name) in self.files
            elif line.startswith("Z:") and (directory, name) in self.sums:
                line = f"Z:{self.sums[directory, name]}"
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
        listed = list(_files(text(content)))
        files = frozenset(it for it in listed if removal.gone("/".join(it)))
        sums = {it: _sum(new) for it in listed if removal.replaced and (new := removal.new_content("/".join(it)))}
        if files or removed or sums:
            edits[path] = WithoutPackages(removed, files, sums)
    if removed and _WORLD in removal.root.live:
        edits[_WORLD] = WithoutWishes(removed)
    return Update(edits)


def _files(database: str) -> Iterator[tuple[str, str]]:
    directory = ""
    for line in database.split("\n"):
        if line.startswith("F:"):
            directory = line[2:]
        elif line.startswith("R:"):
            yield directory, line[2:]


def _sum(new: Smaller) -> str:
    return "Q1" + base64.b64encode(bytes.fromhex(new.sha1)).decode()
