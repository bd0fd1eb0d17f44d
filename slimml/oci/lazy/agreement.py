"""Whether a table of contents says what the tar holds: every entry, its metadata, content, and where that is found."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from slimml.errors import InvalidImage
from slimml.oci.lazy.formats import TOC_NAME
from slimml.oci.lazy.spool import clean
from slimml.oci.lazy.table import Table, TocEntry
from slimml.oci.limits import Limits
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.names import path_of
from slimml.oci.tar.writer import stored_name

_SHOWN = 10
_XATTR = "SCHILY.xattr."
_KINDS = {
    Kind.FILE: "reg",
    Kind.WHITEOUT: "reg",
    Kind.OPAQUE: "reg",
    Kind.DIRECTORY: "dir",
    Kind.SYMLINK: "symlink",
    Kind.HARDLINK: "hardlink",
    Kind.CHARACTER: "char",
    Kind.BLOCK: "block",
    Kind.FIFO: "fifo",
}
_EMPTY = hashlib.sha256(b"").hexdigest()


class Problems:
    """What was found to be wrong, the first few in words."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._count = 0

    def add(self, words: str) -> None:
        """One more."""
        self._count += 1
        if self._count <= _SHOWN:
            self._words.append(words)

    def told(self) -> str:
        """All in one line; "" for none."""
        more = f"; and {self._count - _SHOWN} more" if self._count > _SHOWN else ""
        return "; ".join(self._words) + more


@dataclass
class _File:
    """An entry of the table with its chunks. `seen`: the tar has it."""

    entry: TocEntry
    chunks: list[TocEntry]
    seen: bool = False


def indexed(table: Table, problems: Problems, limits: Limits) -> dict[str, _File]:
    """The table's entries by path, chunks with their files; what contradicts itself or its blob is a problem."""
    found: dict[str, _File] = {}
    last: _File | None = None
    for entry in table.entries:
        if entry.type == "chunk":
            if last is None or last.entry.type != "reg":
                problems.add(f"{entry.name[:80]!r} is a chunk of no file")
            else:
                last.chunks.append(entry)
            continue
        try:
            path = path_of(entry.name.encode("utf-8", "surrogateescape"), limits, "the table of contents")
        except InvalidImage as error:
            problems.add(str(error))
            last = None
            continue
        if path in found:
            problems.add(f"{entry.name[:80]!r} is in it twice")
        last = found[path] = _File(entry, [entry] if entry.type == "reg" and entry.size else [])
    for file in found.values():
        _settle(file, table.position, problems)
    return found


def _settle(file: _File, position: int, problems: Problems) -> None:
    """Say sizes that are left out, and check that chunks follow each other and lie before the table."""
    at = 0
    for count, chunk in enumerate(file.chunks, 1):
        if not chunk.chunk_size:
            chunk.chunk_size = file.entry.size - chunk.chunk_at
        if chunk.chunk_at != at or chunk.chunk_size <= 0:
            problems.add(f"{file.entry.name[:80]!r} has chunks that do not follow each other")
            file.chunks = []
            return
        at += chunk.chunk_size
        if chunk.offset >= position or chunk.end > position:
            problems.add(f"{file.entry.name[:80]!r} lies outside of the files' part of the blob")
        if not chunk.chunk_digest and (count > 1 or len(file.chunks) > 1):
            problems.add(f"{file.entry.name[:80]!r} has a chunk without a digest")
    if file.chunks and at != file.entry.size:
        problems.add(f"{file.entry.name[:80]!r} has chunks that do not add up to its size")
        file.chunks = []


class Agreement:
    """A visitor of the tar that holds it against a table. After it, `expected` says where content should be found:

    `(place in the blob, position in the tar, name)` for each chunk, and `ends` likewise where frames should end, at
    that position or behind it.
    """

    def __init__(self, files: dict[str, _File], problems: Problems, *, estargz: bool) -> None:
        self._files, self._problems, self._estargz = files, problems, estargz
        self._file: _File | None = None
        self._whole = hashlib.sha256()
        self._chunk = hashlib.sha256()
        self._position = 0  # in the file
        self._chunks: list[TocEntry] = []
        self.expected: list[tuple[int, int, str]] = []
        self.ends: list[tuple[int, int, str]] = []

    def other(self, entry: Entry) -> None:
        self._meet(entry)

    def whole(self, entry: Entry, content: memoryview) -> None:
        self.begin(entry)
        self.data(content)
        self.end()

    def begin(self, entry: Entry) -> None:
        self._file = self._meet(entry)
        if self._file is None:
            return
        self._whole, self._chunk, self._position = hashlib.sha256(), hashlib.sha256(), 0
        self._chunks = list(reversed(self._file.chunks))
        for chunk in self._file.chunks:
            begins = entry.data_offset + chunk.chunk_at
            self.expected.append((chunk.offset, begins, entry.path))
            if chunk.end and chunk is self._file.chunks[-1]:
                self.ends.append((chunk.end, begins + chunk.chunk_size, entry.path))

    def data(self, piece: memoryview) -> None:
        if self._file is None:
            return
        self._whole.update(piece)
        while piece and self._chunks:
            chunk = self._chunks[-1]
            part = piece[: chunk.chunk_at + chunk.chunk_size - self._position]
            piece = piece[len(part) :]
            self._chunk.update(part)
            self._position += len(part)
            if self._position == chunk.chunk_at + chunk.chunk_size:
                self._end_chunk(self._file, chunk)

    def end(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        said = file.entry.digest
        if said != f"sha256:{self._whole.hexdigest()}" and (said or file.entry.size):
            self._problems.add(f"{file.entry.name[:80]!r} has another digest than the table says")

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        raise NotImplementedError

    def finish(self, tar_bytes: int) -> None:
        del tar_bytes
        implied = {""}
        for path, file in self._files.items():
            above = path.rpartition("/")[0] if file.seen else ""
            while above not in implied:
                implied.add(above)
                above = above.rpartition("/")[0]
        for path, file in self._files.items():
            # Directories that the tar does not tell of are made all the same; a table may say how.
            if not file.seen and not (file.entry.type == "dir" and path in implied):
                self._problems.add(f"{file.entry.name[:80]!r} is in the table, and not in the tar")

    def _end_chunk(self, file: _File, chunk: TocEntry) -> None:
        self._chunks.pop()
        found, self._chunk = self._chunk.hexdigest(), hashlib.sha256()
        if chunk.chunk_digest and chunk.chunk_digest != f"sha256:{found}":
            self._problems.add(f"{file.entry.name[:80]!r} has a chunk of another digest than the table says")

    def _meet(self, entry: Entry) -> _File | None:
        name = stored_name(entry).decode("utf-8", "surrogateescape")
        path = clean(name)
        if self._estargz and path == TOC_NAME:
            return None
        file = self._files.get(path)
        if file is None or file.seen:
            self._problems.add(f"{name[:80]!r} is in the tar, and not in the table")
            return None
        file.seen = True
        for what, said, found in _differences(file.entry, entry):
            self._problems.add(f"{name[:80]!r}: its {what} is {str(found)[:60]!r}, the table says {str(said)[:60]!r}")
        return file


def _differences(said: TocEntry, entry: Entry) -> list[tuple[str, object, object]]:
    found: list[tuple[str, object, object]] = []

    def compare(what: str, told: object, real: object) -> None:
        if told != real:
            found.append((what, told, real))

    if entry.kind in _KINDS:
        compare("kind", said.type, _KINDS[entry.kind])
    if entry.kind is Kind.FILE:
        compare("size", said.size, entry.size)
    if entry.kind is Kind.SYMLINK:
        compare("target", said.link, entry.link)
    if entry.kind is Kind.HARDLINK:
        compare("target", clean(said.link), entry.link)
    if entry.kind in (Kind.CHARACTER, Kind.BLOCK):
        compare("device", (said.device_major, said.device_minor), entry.device)
    compare("mode", said.mode & 0o7777, entry.mode)
    compare("owner", (said.uid, said.gid), (entry.uid, entry.gid))
    compare("attributes", _attributes(said), _real_attributes(entry.pax or {}))
    if not _same_time(said.modtime, entry.mtime):
        found.append(("time", said.modtime, entry.mtime))
    return found


def _attributes(said: TocEntry) -> dict[str, bytes]:
    try:
        return {key: base64.b64decode(value, validate=True) for key, value in (said.xattrs or {}).items()}
    except ValueError:
        return {"not": b"base64"}


def _real_attributes(records: Mapping[str, bytes]) -> dict[str, bytes]:
    return {key[len(_XATTR) :]: value for key, value in records.items() if key.startswith(_XATTR)}


def _same_time(said: str, seconds: int) -> bool:
    """To a second, which some writers round; a table may leave times out."""
    if not said:
        return True
    try:
        return abs(datetime.fromisoformat(said).timestamp() - seconds) <= 1
    except (ValueError, OverflowError):
        return False
