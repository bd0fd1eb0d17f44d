"""An rpm package's header as a database holds it: an index of tags over a data store (rpm's docs, "Package format")."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from slimml.inventory.owners.package import beneath_root, text_of

_NAME, _VERSION, _RELEASE, _EPOCH, _SUMMARY, _GROUP = 1000, 1001, 1002, 1003, 1004, 1016
_OLD_NAMES, _PROVIDES, _REQUIRES, _DIRECTORY_INDEXES, _BASENAMES, _DIRNAMES = 1027, 1047, 1049, 1116, 1117, 1118
_INT32, _STRING, _STRING_ARRAY, _I18N = 4, 6, 8, 9
_ENTRY = struct.Struct(">IIII")


class BrokenDatabase(Exception):
    """A database that contradicts its format; the message says where. Stays inside this package."""


@dataclass(frozen=True)
class RpmHeader:
    """What a header tells. Files are `names[i]` in `directories[directory_numbers[i]]`, paths of the root."""

    name: str
    version: str
    summary: str
    group: str
    requires: Sequence[str]
    provides: Sequence[str]
    names: Sequence[str]
    directories: Sequence[str]
    directory_numbers: Sequence[int]


class _Tags:
    """The index of a header: two counts, 16 bytes for each tag, then the store they point into."""

    def __init__(self, blob: bytes) -> None:
        if len(blob) < 8:
            raise BrokenDatabase("a header of less than 8 bytes")
        count, size = struct.unpack_from(">II", blob)
        start = 8 + count * _ENTRY.size
        if start + size > len(blob):
            raise BrokenDatabase(f"a header of {len(blob)} bytes that says it has {start + size}")
        self._store = blob[start : start + size]
        self._index = {tag: (kind, offset, n) for tag, kind, offset, n in _ENTRY.iter_unpack(blob[8:start])}
        self._ends = sorted({size, *(offset for _, offset, _ in self._index.values())})

    def strings(self, tag: int) -> list[str]:
        """The strings of a tag; an international one gives its first language."""
        kind, offset, count = self._index.get(tag, (0, 0, 0))
        if kind not in (_STRING, _STRING_ARRAY, _I18N) or not count:
            return []
        position = bisect_right(self._ends, offset)
        end = self._ends[position] if position < len(self._ends) else offset
        found = text_of(self._store[offset:end]).split("\0", count)
        if len(found) <= count:
            raise BrokenDatabase(f"a header whose tag {tag} ends outside of it")
        return found[:count]

    def string(self, tag: int) -> str:
        """The first string of a tag, "" where it is missing."""
        found = self.strings(tag)
        return found[0] if found else ""

    def integers(self, tag: int) -> tuple[int, ...]:
        """The 32-bit numbers of a tag."""
        kind, offset, count = self._index.get(tag, (0, 0, 0))
        if kind != _INT32:
            return ()
        if offset + 4 * count > len(self._store):
            raise BrokenDatabase(f"a header whose tag {tag} ends outside of it")
        return struct.unpack_from(f">{count}I", self._store, offset)


def header_of(blob: bytes) -> RpmHeader:
    """The header in `blob` (without the magic that precedes it in a package file). Raises BrokenDatabase."""
    tags = _Tags(blob)
    name = tags.string(_NAME)
    if not name:
        raise BrokenDatabase("a header without a name")
    epoch = tags.integers(_EPOCH)
    version = f"{tags.string(_VERSION)}-{tags.string(_RELEASE)}"
    names, directories, numbers = _files(tags)
    return RpmHeader(
        name,
        f"{epoch[0]}:{version}" if epoch else version,
        tags.string(_SUMMARY),
        tags.string(_GROUP),
        tags.strings(_REQUIRES),
        tags.strings(_PROVIDES),
        names,
        directories,
        numbers,
    )


def _files(tags: _Tags) -> tuple[list[str], list[str], Sequence[int]]:
    names = tags.strings(_BASENAMES)
    if not names:
        # Packages from before rpm 4 list whole paths.
        old = [beneath_root(path).rpartition("/") for path in tags.strings(_OLD_NAMES)]
        return [name for _, _, name in old], [directory for directory, _, _ in old], range(len(old))
    directories = [beneath_root(directory) for directory in tags.strings(_DIRNAMES)]
    numbers = tags.integers(_DIRECTORY_INDEXES)
    if len(numbers) != len(names) or max(numbers) >= len(directories):
        raise BrokenDatabase("a header whose lists of files and directories do not fit")
    return names, directories, numbers
