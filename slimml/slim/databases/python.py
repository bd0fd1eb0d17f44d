"""Python distributions that stay: RECORD without the files that went (PEP 376, PEP 627)."""

from __future__ import annotations

import csv
import posixpath
from typing import TYPE_CHECKING

from slimml.slim.databases.removal import Removal, Update, WithoutLines, encoded, text

if TYPE_CHECKING:
    from slimml.slim.plan import Edit

_LINE = 1 << 16
"""characters; no path is as long as that, and a csv reader refuses longer fields"""


def update(removal: Removal) -> Update:
    """The edits of RECORD and of the older installed-files.txt."""
    edits: dict[str, Edit] = {}
    for path, content in removal.captured("", ".dist-info/RECORD"):
        site = posixpath.dirname(posixpath.dirname(path))
        _edit(removal, edits, path, site, content)
    for path, content in removal.captured("", ".egg-info/installed-files.txt"):
        _edit(removal, edits, path, posixpath.dirname(path), content)
    return Update(edits)


def _edit(removal: Removal, edits: dict[str, Edit], path: str, directory: str, content: bytes) -> None:
    goes = [line for line in text(content).splitlines() if line and _location(directory, line) in removal.paths]
    if goes:
        edits[path] = WithoutLines(frozenset(encoded(line) for line in goes))


def _location(directory: str, line: str) -> str:
    name = next(csv.reader([line[:_LINE]]))[0] if line[0] == '"' else line.partition(",")[0]
    if name[0:1] in (".", "/"):
        return posixpath.normpath(posixpath.join("/", directory, name)).lstrip("/")
    return f"{directory}/{name}" if directory else name
