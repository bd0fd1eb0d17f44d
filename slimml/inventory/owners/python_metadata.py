"""What a Python distribution says of itself: core metadata, RECORD, and the lists of the egg formats."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass

from slimml.inventory.owners.package import beneath_root, text_of
from slimml.inventory.owners.stanzas import first, stanza

_SEPARATORS = re.compile(r"[-_.]+")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA = re.compile(r"\bextra\s*==")
_DIRECTORY = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)(?:-py[\d.]+)?(?:-.*)?$")


@dataclass(frozen=True)
class Metadata:
    """Names are normalised (PEP 503); `requires` are the distributions needed without any extra."""

    name: str
    version: str
    summary: str
    requires: tuple[str, ...]


def normalised(name: str) -> str:
    """A distribution's name as names are compared (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()


def metadata_of(content: bytes, directory: str) -> Metadata:
    """Core metadata of METADATA or PKG-INFO; a name or version that is missing comes from `directory`'s name."""
    head = text_of(content.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0]).replace("\r\n", "\n")
    fields = stanza(head)
    stem = directory.rpartition("/")[2].rpartition(".")[0]
    named = _DIRECTORY.match(stem)
    name, version = (named["name"], named["version"]) if named else (stem, "")
    return Metadata(
        normalised(first(fields, "Name") or name),
        first(fields, "Version") or version,
        first(fields, "Summary").partition("\n")[0],
        _required(fields.get("Requires-Dist", ())),
    )


def requires_of_egg(content: bytes) -> tuple[str, ...]:
    """Names in a `requires.txt`, before its first section (sections are extras and conditions)."""
    return _required(text_of(content).partition("[")[0].split("\n"))


def _required(requirements: Iterable[str]) -> tuple[str, ...]:
    names = []
    for requirement in requirements:
        match = _NAME.match(requirement)
        if match and not _EXTRA.search(requirement.partition(";")[2]):
            names.append(normalised(match[1]))
    return tuple(dict.fromkeys(names))


def recorded(record: bytes, site: str) -> list[str]:
    """Paths of a RECORD ("Recording installed projects", PyPA specifications), relative to the root.

    `site` is the directory of the `.dist-info`.
    """
    text = text_of(record)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    # Few names need quotes, and without them a line is parted ten times as fast as by a CSV reader.
    quoted = [line for line in lines if '"' in line] if '"' in text else []
    if quoted:
        lines = [line for line in lines if '"' not in line]
    names = [line.partition(",")[0] for line in lines] + _quoted(quoted)
    start = f"{site}/" if site else ""
    return [
        beneath_root(name, site) if name[:2] == ".." or name[:1] == "/" or "/../" in name else start + name
        for name in names
        if name
    ]


def _quoted(lines: Iterable[str]) -> list[str]:
    try:
        return [row[0] for row in csv.reader(lines) if row]
    except csv.Error:
        return []


def listed_beside(listing: bytes, directory: str) -> list[str]:
    """Paths of a list with one a line, relative to `directory` (an `installed-files.txt`)."""
    lines = text_of(listing).replace("\r\n", "\n").split("\n")
    return [beneath_root(line, directory) for line in lines if line]
