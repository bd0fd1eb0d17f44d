"""What a reader of a package database finds: packages with their files, and whether it could read all of it."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slimml.inventory.owner import Owner

SYSTEM_DIRECTORIES = ("usr/", "bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/")
"""where the operating system's packages have their files; usr/local/ is the administrator's (FHS 3.0, 4.9)"""

PACKAGES = 200_000
"""more in one database are passed over: nobody has so many, and each takes memory"""


@dataclass(frozen=True)
class Package:
    """A package and the paths that it brought, in the merged root, directories among them where the list names them.

    `unlisted` are paths that are its own by where they lie, as long as no package lists them.
    """

    owner: Owner
    files: Sequence[str]
    unlisted: Sequence[str] = ()


@dataclass(frozen=True)
class Found:
    """The packages of one database. `unreadable` names what could not be read, "" where all was.

    Then files beneath one of `territory` that nobody owns may be of packages that we do not know.
    """

    packages: Sequence[Package] = ()
    unreadable: str = ""
    territory: tuple[str, ...] = SYSTEM_DIRECTORIES


def text_of(data: bytes) -> str:
    """Bytes of a database as text comparable with paths: what is not UTF-8 becomes surrogate escapes."""
    return data.decode("utf-8", "surrogateescape")


def object_of(data: bytes) -> dict[str, Any] | None:
    """A JSON object, None where `data` is none. Python bounds its nesting, capturing its size."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def beneath_root(path: str, directory: str = "") -> str:
    """`path`, relative to `directory` unless it is absolute, as a path of the root; `..` ends at the root."""
    return posixpath.normpath(f"/{directory}/{path}" if path[:1] != "/" else path).lstrip("/")
