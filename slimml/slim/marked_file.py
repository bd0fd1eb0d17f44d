"""Marks in a file, as the explorer writes it and `slimml optimize --marked` reads it.

A JSON document, schema `slimml.marks/1`. Paths are absolute; bytes that are not UTF-8 are surrogate escapes (PEP 383).
It names the layers it is about, and is good for images of the same layers only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slimml.bloat.rules import check_rules
from slimml.errors import Refused, UsageError
from slimml.slim.marked import Marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slimml.inventory.owner import Owner
    from slimml.inventory.table import Inventory

SCHEMA = "slimml.marks/1"
_PACKAGE = ("system", "name", "version", "place")


def dump(inventory: Inventory, marks: Marks) -> bytes:
    """The marks of an image as a document, the same for the same marks."""
    document = {
        "schema": SCHEMA,
        "image": str(inventory.image.reference),
        "diff_ids": list(inventory.image.config.diff_ids),
        "paths": sorted(f"/{path}" for path in marks.paths),
        "packages": [_named(inventory.owners[position]) for position in sorted(marks.packages)],
        "rules": sorted(marks.rules),
        "keep": sorted(f"/{path}" for path in marks.keep),
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def parse(data: bytes, inventory: Inventory, where: str) -> Marks:
    """The marks in a document; `where` is its name.

    Raises UsageError where it is no such document, Refused where it is about other layers.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise UsageError(f"{where}: not JSON; slimml explore writes such files") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise UsageError(f"{where}: not a document of the schema {SCHEMA}; slimml explore writes such files")
    if document.get("diff_ids") != list(inventory.image.config.diff_ids):
        raise Refused(f"{where}: the marks are of another image; mark this one: slimml explore")
    rules = _texts(document, "rules", where)
    check_rules(rules, f"{where}: rule")
    return Marks(
        paths=frozenset(_paths(document, "paths", where)),
        packages=frozenset(_packages(document, inventory.owners, where)),
        rules=frozenset(rules),
        keep=frozenset(_paths(document, "keep", where)),
    )


def _named(owner: Owner) -> dict[str, str]:
    return {"system": owner.system.value, "name": owner.name, "version": owner.version, "place": owner.place}


def _texts(document: dict[str, Any], member: str, where: str) -> list[str]:
    value = document.get(member, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{where}: {member!r} should be a list of texts")
    return value


def _paths(document: dict[str, Any], member: str, where: str) -> list[str]:
    paths = _texts(document, member, where)
    for path in paths:
        parts = path.split("/")
        if parts[0] or len(parts) < 2 or {"", ".", ".."} & set(parts[1:]):
            raise UsageError(f"{where}: {member!r} has {path!r}, which is no absolute path of an entry")
    return [path[1:] for path in paths]


def _packages(document: dict[str, Any], owners: Sequence[Owner], where: str) -> list[int]:
    positions = {tuple(_named(owner).values()): position for position, owner in enumerate(owners)}
    value = document.get("packages", [])
    found = []
    for package in value if isinstance(value, list) else [value]:
        words = tuple(package.get(name) for name in _PACKAGE) if isinstance(package, dict) else ()
        if words not in positions:
            raise UsageError(f"{where}: the image has no package {package!r}")
        found.append(positions[words])
    return found
