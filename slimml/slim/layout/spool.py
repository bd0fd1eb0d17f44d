"""Contents on their way from one layer to another: in a nameless file on the disk, never in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self

from slimml.oci.beneath import told
from slimml.oci.limits import MIB

if TYPE_CHECKING:
    from slimml.oci.blobs import BlobStore

_PIECE = MIB


class Spool:
    """Bytes by their place, beside the blobs of `store`. Use it as a context manager; then it is gone.

    Raises SlimmlError (a full disk) and AccessDenied.
    """

    def __init__(self, store: BlobStore) -> None:
        store.make()
        self._where = store.path
        try:
            self._file = tempfile.TemporaryFile(dir=store.path)  # noqa: SIM115 - closed when the context ends
        except OSError as error:
            raise told(error, self._where) from None
        self.size = 0
        """bytes put so far: the place of the next ones"""

    def put(self, piece: bytes | memoryview) -> None:
        """Append a piece."""
        try:
            self._file.write(piece)
        except OSError as error:
            raise told(error, self._where) from None
        self.size += len(piece)

    def pieces(self, place: int, size: int) -> Iterator[bytes]:
        """The `size` bytes from `place` on; all that was put can be read."""
        try:
            self._file.flush()
            while size:
                piece = os.pread(self._file.fileno(), min(size, _PIECE), place)
                if not piece:
                    raise OSError(5, "a file that was cut off")
                place, size = place + len(piece), size - len(piece)
                yield piece
        except OSError as error:
            raise told(error, self._where) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()
