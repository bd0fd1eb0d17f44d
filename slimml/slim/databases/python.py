"""Python distributions that stay: RECORD without the files that went, with the sums of new ones (PEP 376, PEP 627)."""

from __future__ import annotations

import base64
import csv
import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.oci.digest import hex_of
from slimml.slim.databases.removal import Removal, Update, WithoutLines, encoded, text

if TYPE_CHECKING:
    from slimml.slim.plan import Edit
    from slimml.slim.replacing.offer import Smaller

_SUMS = re.compile(r"(?P<path>.*),(md5|sha1|sha224|sha256|sha384|sha512)=[\w=-]*,(?P<size>\d*)", re.DOTALL)
_LINE = 1 << 16
"""characters; no path is as long as that, and a csv reader refuses longer fields"""


@dataclass(frozen=True)
class NewLines:
    """The file without the lines `gone`, and with others in the place of some (all given without their ends)."""

    gone: frozenset[bytes]
    instead: Mapping[bytes, bytes]

    def apply(self, content: bytes) -> bytes:
        """The other lines, byte for byte."""
        kept = WithoutLines(self.gone).apply(content).splitlines(keepends=True)
        return b"".join(self._line(line) for line in kept)

    def _line(self, line: bytes) -> bytes:
        bare = line.rstrip(b"\r\n")
        return self.instead.get(bare, bare) + line[len(bare) :]


def update(removal: Removal) -> Update:
    """The edits of RECORD and of the older installed-files.txt."""
    edits: dict[str, Edit] = {}
    for path, content in removal.captured("", ".dist-info/RECORD"):
        site = posixpath.dirname(posixpath.dirname(path))
        _note(edits, path, record_edit(content, site, removal.paths, removal.replaced))
    for path, content in removal.captured("", ".egg-info/installed-files.txt"):
        _note(edits, path, record_edit(content, posixpath.dirname(path), removal.paths, removal.replaced))
    return Update(edits)


def _note(edits: dict[str, Edit], path: str, edit: Edit | None) -> None:
    if edit is not None:
        edits[path] = edit


def record_edit(
    content: bytes, directory: str, gone: Collection[str], replaced: Mapping[str, Smaller]
) -> WithoutLines | NewLines | None:
    """What becomes of a RECORD, whose paths are relative to `directory`; None where nothing does."""
    goes: set[bytes] = set()
    instead: dict[bytes, bytes] = {}
    for line in text(content).splitlines():
        place = _location(directory, line) if line else ""
        if place in gone:
            goes.add(encoded(line))
        elif place in replaced:
            instead[encoded(line)] = encoded(_with_sums(line, replaced[place]))
    if instead:
        return NewLines(frozenset(goes), instead)
    return WithoutLines(frozenset(goes)) if goes else None


def _with_sums(line: str, new: Smaller) -> str:
    """The line `PATH,HASH,SIZE` of a file with another content; what it does not tell, it does not tell now."""
    found = _SUMS.fullmatch(line)
    if found is None:
        return line
    digest = base64.urlsafe_b64encode(bytes.fromhex(hex_of(new.sha256))).rstrip(b"=").decode()
    return f"{found['path']},sha256={digest},{new.size if found['size'] else ''}"


def _location(directory: str, line: str) -> str:
    name = next(csv.reader([line[:_LINE]]))[0] if line[0] == '"' else line.partition(",")[0]
    if name[0:1] in (".", "/"):
        return posixpath.normpath(posixpath.join("/", directory, name)).lstrip("/")
    return f"{directory}/{name}" if directory else name
