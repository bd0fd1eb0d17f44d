"""Small files read as a whole; those that are known to be asked for are read together, in one pass over the layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from slimml.oci.limits import KIB
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from slimml.inventory.read_rows import Read
    from slimml.usage.closure.keeping import Keeping

TEXT_BYTES = 256 * KIB


class TextTaker:
    """Keeps the first `most` bytes of a file (slimml.inventory.read_rows.Taker)."""

    def __init__(self, most: int = TEXT_BYTES) -> None:
        self.most = most
        self.content = b""

    def begin(self, size: int) -> None:
        """The file begins."""
        del size
        self.content = b""

    def data(self, piece: memoryview) -> None:
        """The next piece."""
        if len(self.content) < self.most:
            self.content += bytes(piece[: self.most - len(self.content)])

    def end(self) -> None:
        """Nothing is left to do."""


class Texts:
    """Reads the beginnings of files, each once unless more of it is asked for later."""

    def __init__(self, keeping: Keeping, read: Read) -> None:
        self._keeping, self._read = keeping, read
        self._known: dict[int, TextTaker] = {}

    def ahead(self, wanted: Mapping[int, int]) -> None:
        """Read so many bytes of each of these rows now, all in one pass."""
        sizes = self._keeping.inventory.column("size")
        takers = {
            row: TextTaker(most)
            for row, most in sorted(wanted.items())
            if self._keeping.kinds[row] == Kind.FILE
            and (row not in self._known or self._known[row].most < min(most, int(sizes[row])))
        }
        if takers:
            self._read(takers)
        self._known.update(takers)

    def read(self, rows: Iterable[int], most: int = TEXT_BYTES) -> dict[int, bytes]:
        """The first `most` bytes of each of these rows that is a regular file."""
        rows = list(rows)
        self.ahead(dict.fromkeys(rows, most))
        return {row: self._known[row].content[:most] for row in rows if row in self._known}
