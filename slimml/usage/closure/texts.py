"""Small files read as a whole, in one pass over the layers that hold them."""

from __future__ import annotations

from collections.abc import Iterable
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
        self._most = most
        self.content = b""

    def begin(self, size: int) -> None:
        """The file begins."""
        del size
        self.content = b""

    def data(self, piece: memoryview) -> None:
        """The next piece."""
        if len(self.content) < self._most:
            self.content += bytes(piece[: self._most - len(self.content)])

    def end(self) -> None:
        """Nothing is left to do."""


def read_texts(keeping: Keeping, read: Read, rows: Iterable[int], most: int = TEXT_BYTES) -> dict[int, bytes]:
    """The first `most` bytes of each of these rows that is a regular file."""
    takers = {row: TextTaker(most) for row in rows if keeping.kinds[row] == Kind.FILE}
    if takers:
        read(takers)
    return {row: taker.content for row, taker in takers.items()}
