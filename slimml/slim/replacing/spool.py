"""Files taken out of their layers, one at a time, into a place that holds only so much of them at once."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from slimml.oci.beneath import told
from slimml.oci.digest import Digest

SPOOLED_BYTES = 2 << 30
"""how much waits to be made smaller; a single file may be larger than that"""


class Room:
    """So many bytes for files that wait. `take` waits until what others took is given back, but never for nothing."""

    def __init__(self, most: int = SPOOLED_BYTES) -> None:
        self._most = most
        self._taken = 0
        self._changed = threading.Condition()
        self._closed = False

    def take(self, count: int) -> None:
        """Wait for room."""
        with self._changed:
            while self._taken and self._taken + count > self._most and not self._closed:
                self._changed.wait(1.0)
            self._taken += count

    def give_back(self, count: int) -> None:
        """A file is gone."""
        with self._changed:
            self._taken -= count
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Spooled:
    """Takes one file (slimml.inventory.read_rows.Taker) into `path` and tells `ready` its digest and size.

    Who is told has the file from then on, and gives its room back. Where a tar has the path twice the last one counts.
    """

    def __init__(self, path: Path, room: Room, ready: Callable[[Path, Digest, int], None]) -> None:
        self._place, self._room, self._ready = path, room, ready
        self._path = path
        self._begun = 0
        self._file: IO[bytes] | None = None
        self._size = 0

    def begin(self, size: int) -> None:
        """The content follows."""
        self._room.take(size)
        self._size = size
        # Who was told of a file of this path before may still be at work on it.
        self._path = self._place.with_name(f"{self._place.name}-{self._begun}")
        self._begun += 1
        self._hash = hashlib.sha256()
        try:
            self._file = self._path.open("xb")
        except OSError as error:
            raise told(error, str(self._path)) from None

    def data(self, piece: memoryview) -> None:
        """The next piece."""
        assert self._file is not None
        self._hash.update(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            raise told(error, str(self._path)) from None

    def end(self) -> None:
        """The file is complete."""
        assert self._file is not None
        self._file.close()
        self._ready(self._path, Digest(f"sha256:{self._hash.hexdigest()}"), self._size)


def discard(path: Path, room: Room, size: int) -> None:
    """Remove a spooled file."""
    with suppress(OSError):
        path.unlink()
    room.give_back(size)
