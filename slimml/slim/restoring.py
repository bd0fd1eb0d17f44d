"""The blob of removed content read back: first what is in it, then what comes back, under its own name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO

from slimml.errors import InvalidImage
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.writer import entry_header, padding_after
from slimml.slim.layer_sink import TarSink
from slimml.slim.ledger import LedgerEntry
from slimml.slim.names import MARKERS

Key = tuple[int, str]
"""a layer of the source, and a path in it"""


def key_of(path: str) -> Key:
    """The key in a path `layer-N/PATH`; raises InvalidImage."""
    first, _, rest = path.partition("/")
    number = first.removeprefix("layer-")
    if number == first or not number.isdecimal():
        raise InvalidImage(f"{path[:80]!r} is no path of removed content")
    return int(number), rest


class Contents:
    """A visitor that notes where in the blob each path is last, and which of them are hard links of what."""

    def __init__(self) -> None:
        self.count = 0
        self.place: dict[Key, int] = {}
        self.links: dict[int, Key] = {}

    def other(self, entry: Entry) -> None:
        """An entry without content."""
        if entry.kind not in MARKERS:
            self.place[key_of(entry.path)] = self.count
            if entry.kind is Kind.HARDLINK:
                self.links[self.count] = key_of(entry.link)
        self.count += 1

    def whole(self, entry: Entry, content: memoryview) -> None:
        """A file in one piece."""
        self.begin(entry)

    def begin(self, entry: Entry) -> None:
        """A file."""
        self.place[key_of(entry.path)] = self.count
        self.count += 1

    def data(self, piece: memoryview) -> None:
        """Content is not looked at."""

    def end(self) -> None:
        """The file is complete."""

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        """Content that is not in the tar."""
        raise _elsewhere()

    def finish(self, tar_bytes: int) -> None:
        """The tar ended."""


def sources(contents: Contents, chosen: Mapping[Key, LedgerEntry]) -> dict[int, list[LedgerEntry]]:
    """For each place in the blob the entries that get its content, one with that path first.

    Raises InvalidImage for a chosen entry that is not in the blob.
    """
    found: dict[int, list[LedgerEntry]] = {}
    for key, entry in chosen.items():
        place = contents.place.get(key)
        followed = 0
        while place is not None and place in contents.links and followed <= contents.count:
            place = contents.place.get(contents.links[place])
            followed += 1
        if place is None or place in contents.links:
            raise InvalidImage(f"/{key[1]} of layer {key[0]} is not in the removed content, though the ledger has it")
        names = found.setdefault(place, [])
        names.insert(0 if contents.place[key] == place else len(names), entry)
    return found


@dataclass
class _Begun:
    entry: Entry
    names: list[LedgerEntry]


class Restoring:
    """A visitor that writes entries of the blob to `sink` as the ledger's entries of `sources`."""

    def __init__(self, names: Mapping[int, list[LedgerEntry]], sink: TarSink) -> None:
        self._names, self._sink = names, sink
        self._count = 0
        self._hash = hashlib.sha256()
        self._begun: _Begun | None = None

    def other(self, entry: Entry) -> None:
        """An entry without content."""
        names = self._names.get(self._count)
        self._count += 1
        if names:
            self._write_first(entry, names)
            self._write_links(entry, names)

    def whole(self, entry: Entry, content: memoryview) -> None:
        """A file in one piece."""
        self.begin(entry)
        self.data(content)
        self.end()

    def begin(self, entry: Entry) -> None:
        """A file."""
        names = self._names.get(self._count)
        self._count += 1
        self._begun = _Begun(entry, names) if names else None
        if names:
            self._hash = hashlib.sha256()
            self._write_first(entry, names)

    def data(self, piece: memoryview) -> None:
        """Content of the file."""
        if self._begun is not None:
            self._hash.update(piece)
            self._sink.write(piece)

    def end(self) -> None:
        """The file is complete; raises InvalidImage if it is not what the ledger says."""
        begun, self._begun = self._begun, None
        if begun is None:
            return
        first = begun.names[0]
        if first.sha256 != f"sha256:{self._hash.hexdigest()}":
            raise InvalidImage(f"/{first.path}: the removed content is not what the ledger says")
        self._sink.write(padding_after(begun.entry.size))
        self._write_links(begun.entry, begun.names)

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        """Content that is not in the tar."""
        raise _elsewhere()

    def finish(self, tar_bytes: int) -> None:
        """The tar ended."""

    def _write_first(self, entry: Entry, names: list[LedgerEntry]) -> None:
        self._sink.write(entry_header(_as(entry, names[0])))

    def _write_links(self, entry: Entry, names: list[LedgerEntry]) -> None:
        for name in names[1:]:
            self._sink.write(entry_header(_as(entry, name)._replace(kind=Kind.HARDLINK, link=names[0].path)))


def _as(entry: Entry, name: LedgerEntry) -> Entry:
    return entry._replace(path=name.path, mode=name.mode, uid=name.uid, gid=name.gid, mtime=name.mtime)


def _elsewhere() -> InvalidImage:
    return InvalidImage("the content of a file is not in the removed content")
