"""Reads the contents of some rows again: each layer that holds one is read once, piece by piece, kept by nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Protocol

from slimml.oci.limits import DEFAULT_LIMITS, MIB, Limits
from slimml.oci.scan import scan_image
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.digest import Digest
    from slimml.oci.image import Layer
    from slimml.oci.tar.events import Entry

_PIECE = MIB


class Taker(Protocol):
    """Told of one file. A tar that holds its path twice begins twice; the last time counts."""

    def begin(self, size: int) -> None:
        """The file's content, `size` bytes, follows."""

    def data(self, piece: memoryview) -> None:
        """The next piece; the view is valid during the call only."""

    def end(self) -> None:
        """The file is complete."""


Read = Callable[[Mapping[int, Taker]], None]
"""Gives the contents of rows (positions in the inventory's table) to their takers."""


def read_rows(
    inventory: Inventory, takers: Mapping[int, Taker], *, limits: Limits = DEFAULT_LIMITS, progress: Progress = SILENT
) -> None:
    """Tell each taker the content of its row, which is a regular file's, not a hard link's. In the layers' own order.

    Memory is what the takers keep. Raises InvalidImage, LimitExceeded, and what reading the image raises.
    """
    wanted: dict[Digest, dict[str, Taker]] = {}
    for row, taker in takers.items():
        diff_id = inventory.image.layers[int(inventory.layer[row])].diff_id
        wanted.setdefault(diff_id, {})[inventory.paths[row]] = taker
    chosen = tuple(layer for layer in inventory.image.layers if layer.diff_id in wanted)
    if not chosen:
        return

    def teller(layer: Layer) -> _Teller:
        return _Teller(wanted[layer.diff_id])

    scan_image(replace(inventory.image, layers=chosen), teller, limits=limits, progress=progress)


class _Teller:
    """A visitor that passes on the contents of some paths."""

    def __init__(self, takers: Mapping[str, Taker]) -> None:
        self._takers = takers
        self._taker: Taker | None = None

    def other(self, entry: Entry) -> None: ...

    def whole(self, entry: Entry, content: memoryview) -> None:
        taker = self._takers.get(entry.path)
        if taker is not None:
            taker.begin(entry.size)
            taker.data(content)
            taker.end()

    def begin(self, entry: Entry) -> None:
        self._taker = self._takers.get(entry.path)
        if self._taker is not None:
            self._taker.begin(entry.size)

    def data(self, piece: memoryview) -> None:
        if self._taker is not None:
            self._taker.data(piece)

    def end(self) -> None:
        if self._taker is not None:
            self._taker.end()
            self._taker = None

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        del crc64
        if entry.path not in self._takers:
            return
        self.begin(entry)
        with opener() as file:
            while piece := file.read(_PIECE):
                self.data(memoryview(piece))
        self.end()

    def finish(self, tar_bytes: int) -> None: ...
