"""apk: Alpine's installed database (apk-package(5), "installed DB v2")."""

from __future__ import annotations

import re
from collections.abc import Iterable

from slimml.inventory.owner import Owner, System
from slimml.inventory.owners.package import PACKAGES, Found, Package, text_of
from slimml.inventory.root import Root

_DATABASES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_WORLD = "etc/apk/world"
_VERSION = re.compile("[<>=~@]")


def read(root: Root) -> Found:
    """apk's packages. `automatic` are those that `world` does not name."""
    for path in _DATABASES:
        place = root.place(path)
        data = root.captured.get(place)
        if data is not None:
            world = root.captured.get(_WORLD)
            wished = None if world is None else {_bare(word) for word in text_of(world).split()}
            blocks = text_of(data).split("\n\n")[:PACKAGES]
            return Found([package for block in blocks for package in _package(root, block, place, wished)])
        if place in root.live:
            return Found(unreadable=place)
    return Found()


def _package(root: Root, block: str, place: str, wished: set[str] | None) -> Iterable[Package]:
    fields: dict[str, str] = {}
    files: list[str] = []
    directory = ""
    for line in block.split("\n"):
        key, value = line[:2], line[2:]
        if key == "F:":
            directory = value
            files.append(root.place(value))
        elif key == "R:":
            files.append(root.place(f"{directory}/{value}" if directory else value))
        else:
            fields.setdefault(key, value)
    name = fields.get("P:", "")
    if not name:
        return
    owner = Owner(
        System.APK,
        name,
        fields.get("V:", ""),
        place,
        summary=fields.get("T:", ""),
        automatic=None if wished is None else name not in wished,
        requires=tuple(_bare(word) for word in fields.get("D:", "").split() if not word.startswith("!")),
        provides=tuple(_bare(word) for word in fields.get("p:", "").split()),
    )
    yield Package(owner, files, root.beneath(place.rpartition("/")[0]) if name == "apk-tools" else ())


def _bare(word: str) -> str:
    """A dependency without its version (`musl>=1.2`, `so:libz.so.1=1.2`) and repository (`name@edge`)."""
    return _VERSION.split(word, 1)[0]
