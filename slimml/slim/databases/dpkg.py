"""dpkg's database after a removal: stanzas, lists of files, checksums, triggers (deb-control(5), deb-triggers(5)).

`dpkg --verify` and debsums find nothing missing afterwards; diversions are left as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.inventory.owner import System
from slimml.slim.databases.removal import Removal, Update, WithoutLines, encoded, text

if TYPE_CHECKING:
    from slimml.slim.plan import Edit

_ADMIN = "var/lib/dpkg"
_INFO = f"{_ADMIN}/info/"
_STATUS = f"{_ADMIN}/status"
_TRIGGERS = f"{_ADMIN}/triggers/"
_EXTENDED = "var/lib/apt/extended_states"
_SUMS = ".md5sums"


@dataclass(frozen=True)
class WithoutStanzas:
    """A file of stanzas without those of `packages` (`name` or `name:architecture`), and without `conffiles`."""

    packages: frozenset[str]
    conffiles: frozenset[str] = frozenset()

    def apply(self, content: bytes) -> bytes:
        """The other stanzas, byte for byte but for conffile lines."""
        kept = [stanza for stanza in text(content).split("\n\n") if not self._goes(stanza)]
        joined = "\n\n".join(self._without_conffiles(stanza) for stanza in kept)
        return encoded(joined if not joined or joined.endswith("\n") else f"{joined}\n")

    def _goes(self, stanza: str) -> bool:
        fields = dict(line.split(": ", 1) for line in stanza.split("\n") if ": " in line and line[0] != " ")
        name = fields.get("Package", "")
        return name in self.packages or f"{name}:{fields.get('Architecture', '')}" in self.packages

    def _without_conffiles(self, stanza: str) -> str:
        if not self.conffiles or "\nConffiles:" not in stanza:
            return stanza
        lines = stanza.split("\n")
        kept = [line for line in lines if not (line[:2] == " /" and line[1:].split(" ", 1)[0] in self.conffiles)]
        start = kept.index("Conffiles:") if "Conffiles:" in kept else -1
        if start >= 0 and (start + 1 == len(kept) or not kept[start + 1].startswith(" ")):
            del kept[start]
        return "\n".join(kept)


@dataclass(frozen=True)
class WithoutInterest:
    """A file of triggers without the lines of these packages."""

    packages: frozenset[str]

    def apply(self, content: bytes) -> bytes:
        """The lines of other packages."""
        lines = text(content).splitlines(keepends=True)
        return encoded("".join(line for line in lines if self._package(line) not in self.packages))

    def _package(self, line: str) -> str:
        # `PATH PACKAGE[/noawait]` in File, `PACKAGE[/noawait]` elsewhere
        return line.strip().rpartition(" ")[2].partition("/")[0]


@dataclass(frozen=True)
class NewSums:
    """A file of checksums without `lines`, and with the sums of files that were edited (by path, as listed)."""

    lines: frozenset[bytes]
    sums: Mapping[bytes, bytes]

    def apply(self, content: bytes) -> bytes:
        """The other lines, byte for byte."""
        kept = WithoutLines(self.lines).apply(content).splitlines(keepends=True)
        return b"".join(self._line(line) for line in kept)

    def _line(self, line: bytes) -> bytes:
        old, gap, name = line.partition(b"  ")
        return self.sums.get(name.rstrip(b"\r\n"), old) + gap + name


def update(removal: Removal, edited: Mapping[str, bytes]) -> Update:
    """The edits that make dpkg's database true to what is left; `edited` are new contents of files, by path."""
    removed = frozenset(owner.name for owner in removal.owners if owner.system is System.DPKG)
    edits: dict[str, Edit] = {}
    conffiles: set[str] = set()
    for path, content in (*removal.captured(_INFO), *removal.captured(f"{_ADMIN}/status.d/", _SUMS)):
        edit, goes = _without(removal, path, content, edited)
        if edit is not None:
            edits[path] = edit
        if path.endswith(".conffiles"):
            conffiles.update(text(line) for line in goes)
    if removed or conffiles:
        edits |= _in_admin_files(removal, removed, frozenset(conffiles))
    return Update(edits)


def _without(
    removal: Removal, path: str, content: bytes, edited: Mapping[str, bytes]
) -> tuple[Edit | None, frozenset[bytes]]:
    """The edit of a list of files, one a line, and the lines that go."""
    goes: set[bytes] = set()
    sums: dict[bytes, bytes] = {}
    summed = path.endswith(_SUMS)
    for line in content.splitlines():
        name = line.partition(b"  ")[2] if summed else line
        place = removal.root.place(text(name).strip("/"))
        if place in removal.paths:
            goes.add(line)
        elif summed and place in removal.replaced:
            sums[name] = removal.replaced[place].md5.encode()
        elif summed and place in edited:
            sums[name] = hashlib.md5(edited[place], usedforsecurity=False).hexdigest().encode()
    lines = frozenset(goes)
    if sums:
        return NewSums(lines, sums), lines
    return (WithoutLines(lines) if lines else None), lines


def _in_admin_files(removal: Removal, removed: frozenset[str], conffiles: frozenset[str]) -> dict[str, Edit]:
    edits: dict[str, Edit] = {}
    live = removal.root.live
    if _STATUS in live:
        edits[_STATUS] = WithoutStanzas(removed, conffiles)
    if removed:
        if _EXTENDED in live:
            edits[_EXTENDED] = WithoutStanzas(removed)
        names = frozenset(name.partition(":")[0] for name in removed) | removed
        for path in removal.root.beneath(_TRIGGERS.rstrip("/")):
            if path in live and not path.endswith(("/Lock", "/Unincorp")):
                edits[path] = WithoutInterest(names)
    return edits
