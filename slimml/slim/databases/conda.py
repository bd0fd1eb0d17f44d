"""conda packages that stay: the lists of files in conda-meta/NAME.json without those that went."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slimml.slim.databases.removal import Removal, Update, encoded, text

if TYPE_CHECKING:
    from slimml.slim.plan import Edit


@dataclass(frozen=True)
class WithoutFiles:
    """A conda-meta document without these files, given relative to the prefix."""

    files: frozenset[str]

    def apply(self, content: bytes) -> bytes:
        """The document as conda writes it (two spaces of indent)."""
        document: dict[str, Any] = json.loads(text(content))
        document["files"] = [name for name in document["files"] if not self._goes(name)]
        data = document.get("paths_data")
        if isinstance(data, dict) and isinstance(data.get("paths"), list):
            data["paths"] = [
                item for item in data["paths"] if not (isinstance(item, dict) and self._goes(item.get("_path")))
            ]
        try:
            return encoded(json.dumps(document, indent=2, ensure_ascii=False))
        except UnicodeEncodeError:  # half a surrogate pair, which only an escape can write
            return json.dumps(document, indent=2).encode()

    def _goes(self, name: object) -> bool:
        return isinstance(name, str) and name in self.files


def update(removal: Removal) -> Update:
    """The edits of conda-meta documents; one that cannot be read is left as it is."""
    edits: dict[str, Edit] = {}
    for path, content in removal.captured("", ".json"):
        prefix, found, name = path.rpartition("conda-meta/")
        if not found or "/" in name:
            continue
        goes = frozenset(file for file in _files(content) if f"{prefix}{file}" in removal.paths)
        if goes:
            edits[path] = WithoutFiles(goes)
    return Update(edits)


def _files(content: bytes) -> list[str]:
    try:
        document = json.loads(text(content))
    except (ValueError, RecursionError):
        return []
    files = document.get("files") if isinstance(document, dict) else None
    return [file for file in files if isinstance(file, str)] if isinstance(files, list) else []
