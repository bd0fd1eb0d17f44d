"""conda packages that stay: the lists of files in conda-meta/NAME.json without those that went, with new sums."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slimml.oci.digest import hex_of
from slimml.slim.databases.removal import Removal, Update, encoded, text

if TYPE_CHECKING:
    from slimml.slim.plan import Edit


@dataclass(frozen=True)
class OtherFiles:
    """A conda-meta document without the files `gone`, with new `sums` (SHA-256, size); relative to the prefix."""

    gone: frozenset[str]
    sums: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def apply(self, content: bytes) -> bytes:
        """The document as conda writes it (two spaces of indent)."""
        document: dict[str, Any] = json.loads(text(content))
        document["files"] = [name for name in document["files"] if not self._goes(name)]
        data = document.get("paths_data")
        if isinstance(data, dict) and isinstance(data.get("paths"), list):
            data["paths"] = [
                self._item(item) if isinstance(item, dict) else item
                for item in data["paths"]
                if not (isinstance(item, dict) and self._goes(item.get("_path")))
            ]
        try:
            return encoded(json.dumps(document, indent=2, ensure_ascii=False))
        except UnicodeEncodeError:  # half a surrogate pair, which only an escape can write
            return json.dumps(document, indent=2).encode()

    def _goes(self, name: object) -> bool:
        return isinstance(name, str) and name in self.gone

    def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        name = item.get("_path")
        if not isinstance(name, str) or name not in self.sums:
            return item
        digest, size = self.sums[name]
        new = {"sha256": digest, "sha256_in_prefix": digest, "size_in_bytes": size}
        return item | {key: value for key, value in new.items() if key in item}


def update(removal: Removal) -> Update:
    """The edits of conda-meta documents; one that cannot be read is left as it is."""
    edits: dict[str, Edit] = {}
    for path, content in removal.captured("", ".json"):
        prefix, found, name = path.rpartition("conda-meta/")
        if not found or "/" in name:
            continue
        files = _files(content)
        goes = frozenset(file for file in files if f"{prefix}{file}" in removal.paths)
        sums = {
            file: (hex_of(new.sha256), new.size)
            for file in files
            if removal.replaced and (new := removal.replaced.get(f"{prefix}{file}"))
        }
        if goes or sums:
            edits[path] = OtherFiles(goes, sums)
    return Update(edits)


def _files(content: bytes) -> list[str]:
    try:
        document = json.loads(text(content))
    except (ValueError, RecursionError):
        return []
    files = document.get("files") if isinstance(document, dict) else None
    return [file for file in files if isinstance(file, str)] if isinstance(files, list) else []
