"""Looks for models in an image, in one pass over the layers that may hold some.

Of a file that passes by, as much is kept as tells what model it is: of safetensors and GGUF the header, of others the
whole file, one at a time and on disk.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import IO, Any, Final

import numpy as np

from slimml.inventory import form as forms
from slimml.inventory.read_rows import Taker, read_rows
from slimml.inventory.table import Inventory, State
from slimml.models.content import Content
from slimml.models.listing import Listing, Passed, put_together
from slimml.models.model_file import ModelFile
from slimml.models.recognise import HEAD_BYTES, SMALLEST, needed_bytes, recognise
from slimml.oci.limits import DEFAULT_LIMITS, GIB, Limits
from slimml.oci.tar.events import Kind
from slimml.oci.work_place import work_place
from slimml.progress import SILENT, Progress

MOST_SPOOLED_BYTES: Final = 8 * GIB
"""of one file of an image that has to be whole to be read"""

_IN_MEMORY_BYTES: Final = 4 << 20

_NO_MODELS: Final = frozenset(
    {
        forms.ELF_SHARED, forms.ELF_EXECUTABLE, forms.ELF_OBJECT, forms.ELF_CORE, forms.STATIC_LIBRARY, forms.BYTECODE,
        forms.PYTHON, forms.C_SOURCE, forms.HEADER, forms.SCRIPT, forms.SQLITE, forms.IMAGE, forms.DOCUMENT,
        forms.LOCALE, forms.EMPTY, forms.NOTEBOOK, forms.TAR, forms.PACKAGE,
    }
)  # fmt: skip
"""Forms that the table of files tells apart, and that no model has"""


def list_image(inventory: Inventory, *, limits: Limits = DEFAULT_LIMITS, progress: Progress = SILENT) -> Listing:
    """The models in an image's merged root. Raises InvalidImage, LimitExceeded, and what reading the image raises."""
    kinds, sizes = inventory.column("kind"), inventory.column("size")
    live = (inventory.state == State.LIVE) & (kinds == Kind.FILE)
    paths = inventory.paths
    place = work_place()
    candidates = {row: _Candidate(paths[row], place) for row in np.flatnonzero(live & _may_hold(inventory)).tolist()}
    takers: dict[int, Taker] = dict(candidates)
    try:
        read_rows(inventory, takers, limits=limits, progress=progress)
    finally:
        for one in candidates.values():
            one.close()
    passed = [
        Passed(paths[row], int(sizes[row]), _digest(inventory, row), one.model) for row, one in candidates.items()
    ]
    return put_together(passed, {paths[row]: int(sizes[row]) for row in np.flatnonzero(live).tolist()})


def _digest(inventory: Inventory, row: int) -> bytes | None:
    """What tells whether two rows have the same content: its hash, else the engine's checksum."""
    (words, hashed), (checksums, summed) = inventory.contents, inventory.checksums
    found: bytes = (words if hashed[row] else checksums)[row].tobytes()
    return found if hashed[row] or summed[row] else None


def _may_hold(inventory: Inventory) -> Any:
    """Which rows may be models, by their form and size."""
    column = inventory.table["form"].combine_chunks()
    told = np.array([name in _NO_MODELS for name in column.dictionary.to_pylist()] or [False])
    codes = column.indices.to_numpy(zero_copy_only=False)
    return ~told[codes] & (inventory.column("size") >= SMALLEST)


class _Candidate:
    """Takes one file as it passes by, and says what model it is."""

    def __init__(self, path: str, place: Path) -> None:
        self._path, self._place = path, place
        self.model: ModelFile | None = None
        self._size = self._wanted = self._kept = 0
        self._head: bytearray | None = None
        self._spool: IO[bytes] | None = None

    def begin(self, size: int) -> None:
        """The file's content follows."""
        self.close()
        self._size, self._head, self.model = size, bytearray(), None

    def data(self, piece: memoryview) -> None:
        """The next piece of it."""
        if self._spool is not None:
            self._keep(piece)
        elif self._head is not None:
            self._head += piece
            if len(self._head) >= HEAD_BYTES:
                self._decide()

    def end(self) -> None:
        """The file is complete: say what it is."""
        if self._head is not None:
            self._decide()
        if self._spool is not None:
            self._spool.flush()
            self.model = recognise(self._content(self._spool), self._path)
        self.close()

    def close(self) -> None:
        """Give back what was kept."""
        if self._spool is not None:
            self._spool.close()
        self._spool = self._head = None

    def _content(self, spool: IO[bytes]) -> Content:
        if not isinstance(spool, io.BytesIO):
            return Content.of(spool, self._size, self._kept)
        data = spool.getvalue()
        return Content(lambda offset, count: data[offset : offset + count], self._size, self._kept)

    def _decide(self) -> None:
        """Whether the file may be a model; what it began with is then the beginning of what is kept."""
        assert self._head is not None
        head, self._head = self._head, None
        wanted = needed_bytes(bytes(head[:HEAD_BYTES]), self._size, self._path)
        if wanted is None:
            return
        self._wanted, self._kept = min(wanted, MOST_SPOOLED_BYTES), 0
        small = self._wanted <= _IN_MEMORY_BYTES
        self._spool = io.BytesIO() if small else tempfile.TemporaryFile(dir=self._place)  # noqa: SIM115 - see close
        self._keep(memoryview(head))

    def _keep(self, piece: memoryview) -> None:
        taken = piece[: max(0, self._wanted - self._kept)]
        if taken and self._spool is not None:
            self._spool.write(taken)
            self._kept += len(taken)
