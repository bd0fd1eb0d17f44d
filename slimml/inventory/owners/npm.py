"""npm: packages installed in node_modules directories; everything beneath one belongs to it, the innermost wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slimml.inventory.owner import Owner, System
from slimml.inventory.owners.package import Found, Package, object_of
from slimml.inventory.root import Root

_MODULES = "node_modules/"
_MANIFEST = "/package.json"


def read(root: Root, taken: Mapping[str, int]) -> Found:
    """npm's packages, but for those inside another system's package (`taken` are the paths with an owner)."""
    owners: dict[str, Owner] = {}
    for path in sorted(root.captured):
        if path.endswith(_MANIFEST) and _MODULES in path and path not in taken:
            place = path[: -len(_MANIFEST)]
            owners[place] = _owner(place, path, root.captured[path])
    files: dict[str, list[str]] = {place: [] for place in owners}
    known: dict[str, str] = {"": ""}
    for path in root.ordered if owners else ():
        if _MODULES in path:
            place = _innermost(path, files, known)
            if place:
                files[place].append(path)
    return Found([Package(owner, (), files[place]) for place, owner in owners.items()])


def _innermost(path: str, packages: Mapping[str, list[str]], known: dict[str, str]) -> str:
    """The package directory that `path` is or lies in, "" for none; `known` remembers the answers."""
    pending = []
    while path not in known:
        pending.append(path)
        if path in packages:
            known[path] = path
            break
        path = path.rpartition("/")[0]
    found = known[path]
    # The last answer, of the path itself, will hardly be asked for again.
    known.update(dict.fromkeys(pending[1:], found))
    return found


def _owner(place: str, path: str, content: bytes) -> Owner:
    manifest = object_of(content) or {}
    optional = manifest.get("peerDependenciesMeta")
    peers = [
        name
        for name in _names(manifest, "peerDependencies")
        if not (isinstance(optional, dict) and isinstance(optional.get(name), dict) and optional[name].get("optional"))
    ]
    return Owner(
        System.NPM,
        _text(manifest, "name") or place.rpartition(_MODULES)[2],
        _text(manifest, "version"),
        place,
        summary=_text(manifest, "description").partition("\n")[0],
        requires=tuple(dict.fromkeys([*_names(manifest, "dependencies"), *peers])),
        database=(path,),
    )


def _text(manifest: dict[str, Any], key: str) -> str:
    value = manifest.get(key)
    return value if isinstance(value, str) else ""


def _names(manifest: dict[str, Any], key: str) -> list[str]:
    value = manifest.get(key)
    return list(value) if isinstance(value, dict) else []
