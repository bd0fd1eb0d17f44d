"""The header blobs in an rpm database: sqlite (rpm 4.16 on), ndb (SUSE), Berkeley DB hash files (before)."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing

from slimml.inventory.owners.rpm_header import BrokenDatabase

_STEPS = 50_000_000
"""of sqlite's virtual machine; a database of 10,000 packages takes some 100,000"""

_NDB_HEADER = struct.Struct("<4sIII")
_NDB_SLOT = struct.Struct("<4sIII")
_NDB_PAGE = 4096

_BDB_MAGIC = 0x061561
_BDB_PAGE_HEADER = 26
_BDB_HASH_PAGES = frozenset({2, 13})
_BDB_OVERFLOW_PAGE = 7
_BDB_INLINE, _BDB_OFF_PAGE = 1, 3


def sqlite_blobs(data: bytes) -> Iterator[bytes]:
    """Blobs of a `rpmdb.sqlite`. Raises BrokenDatabase."""
    # A copy in memory has no place for a write-ahead log, so the file must not ask for one (sqlite fileformat2, 1.3).
    image = data[:18] + b"\x01\x01" + data[20:] if data[18:20] == b"\x02\x02" else data
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(image)
            connection.execute("PRAGMA trusted_schema=OFF")
            connection.execute("PRAGMA cell_size_check=ON")
            connection.set_progress_handler(lambda: 1, _STEPS)
            kind = connection.execute("SELECT type, sql FROM sqlite_master WHERE name = 'Packages'").fetchone()
            # A view could be a program.
            if kind is None or kind[0] != "table" or "virtual" in str(kind[1]).lower():
                raise BrokenDatabase("no table Packages")
            for (blob,) in connection.execute("SELECT blob FROM Packages ORDER BY hnum"):
                if not isinstance(blob, bytes):
                    raise BrokenDatabase("a package that is no blob")
                yield blob
    except sqlite3.Error as error:
        raise BrokenDatabase(str(error)) from None


def ndb_blobs(data: bytes) -> Iterator[bytes]:
    """Blobs of a `Packages.db` (rpm's lib/backend/ndb/rpmpkg.c, version 0). Raises BrokenDatabase."""
    try:
        magic, version, _, pages = _NDB_HEADER.unpack_from(data)
        if magic != b"RpmP" or version != 0 or pages * _NDB_PAGE > len(data):
            raise BrokenDatabase("no ndb file of version 0")
        # The file's header takes the place of the first two slots.
        for at in range(2 * _NDB_SLOT.size, pages * _NDB_PAGE, _NDB_SLOT.size):
            slot, number, block, _ = _NDB_SLOT.unpack_from(data, at)
            if slot != b"Slot":
                raise BrokenDatabase(f"no slot at byte {at}")
            if number:
                yield _ndb_blob(data, block * 16, number)
    except struct.error:
        raise BrokenDatabase("an ndb file cut short") from None


def _ndb_blob(data: bytes, at: int, number: int) -> bytes:
    magic, own, _, size = _NDB_SLOT.unpack_from(data, at)
    start = at + _NDB_SLOT.size
    if magic != b"BlbS" or own != number or start + size > len(data):
        raise BrokenDatabase(f"no blob of package {number} at byte {at}")
    return data[start : start + size]


def berkeley_blobs(data: bytes) -> Iterator[bytes]:
    """Blobs of a Berkeley DB hash file `Packages` (libdb's dbinc/db_page.h). Raises BrokenDatabase.

    Keys are numbers of packages; number 0 holds the next free number, not a package.
    """
    try:
        order = next(mark for mark in "<>" if struct.unpack_from(f"{mark}I", data, 12)[0] == _BDB_MAGIC)
        (size,) = struct.unpack_from(f"{order}I", data, 20)
        if size not in (1 << power for power in range(9, 17)):
            raise BrokenDatabase(f"pages of {size} bytes")
        left = len(data)
        for page in range(size, len(data) - size + 1, size):
            entries, _, _, kind = struct.unpack_from(f"{order}HHBB", data, page + 20)
            if kind not in _BDB_HASH_PAGES:
                continue
            offsets = struct.unpack_from(f"{order}{entries}H", data, page + _BDB_PAGE_HEADER)
            for key, value in zip(offsets[0::2], offsets[1::2], strict=True):
                if data[page + key + 1 : page + key + 5] == b"\0\0\0\0":
                    continue
                blob = _berkeley_value(data, page, size, key, value, order)
                left -= len(blob)
                if left < 0:
                    raise BrokenDatabase("more content than the file has bytes")
                yield blob
    except StopIteration:
        raise BrokenDatabase("no Berkeley DB hash file") from None
    except (struct.error, ValueError, IndexError):
        raise BrokenDatabase("a Berkeley DB file cut short") from None


def _berkeley_value(data: bytes, page: int, size: int, key: int, value: int, order: str) -> bytes:
    """A value: on the page, between its offset and its key's (items grow downwards), or on a chain of pages."""
    kind = data[page + value]
    if kind == _BDB_INLINE:
        return data[page + value + 1 : page + key]
    if kind != _BDB_OFF_PAGE:
        raise BrokenDatabase(f"a value of kind {kind}")
    number, length = struct.unpack_from(f"{order}II", data, page + value + 4)
    if length > len(data):
        raise BrokenDatabase(f"a value of {length} bytes")
    pieces: list[bytes] = []
    held = 0
    while number and held < length:
        at = number * size
        following, _, used, _, page_kind = struct.unpack_from(f"{order}IHHBB", data, at + 16)
        if page_kind != _BDB_OVERFLOW_PAGE or not 0 < used <= size - _BDB_PAGE_HEADER:
            raise BrokenDatabase(f"page {number} is not the overflow page it should be")
        pieces.append(data[at + _BDB_PAGE_HEADER : at + _BDB_PAGE_HEADER + used])
        held += used
        number = following
    if held != length:
        raise BrokenDatabase(f"a value of {held} bytes that says it has {length}")
    return b"".join(pieces)
