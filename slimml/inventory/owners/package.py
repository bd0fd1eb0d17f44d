"""What a reader of a package database finds: packages with their files, and whether it could read all of it."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass

from slimml.inventory.owner import Owner


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
    """The packages of one database. `unreadable` says in a few words what could not be read, "" where all was."""

    packages: Sequence[Package] = ()
    unreadable: str = ""


def text_of(data: bytes) -> str:
    """Bytes of a database as text comparable with paths: what is not UTF-8 becomes surrogate escapes."""
    return data.decode("utf-8", "surrogateescape")


def beneath_root(path: str, directory: str = "") -> str:
    """`path`, relative to `directory` unless it is absolute, as a path of the root; `..` ends at the root."""
    return posixpath.normpath(f"/{directory}/{path}" if path[:1] != "/" else path).lstrip("/")
