"""The image that is explored: its table, the places of its rows, its owners; what could go, which takes longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from slimml.bloat.attribute import account
from slimml.bloat.build_step import build_steps
from slimml.bloat.detect import find_bloat
from slimml.bloat.efficiency import efficiency_of
from slimml.explore.places import Places, places_of
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from slimml.bloat.finding import Finding
    from slimml.bloat.score import Efficiency
    from slimml.inventory.table import Inventory

    Mask = NDArray[np.bool_]

_COLUMNS = ("kind", "size", "mode", "uid", "gid", "mtime", "compressed")


@dataclass(frozen=True)
class OwnerSize:
    """What an owner (a position) has: bytes on disk that a container sees, that upper layers hide, and compressed."""

    owner: int
    files: int
    live: int
    hidden: int
    compressed: int

    @property
    def disk(self) -> int:
        """All its bytes on disk."""
        return self.live + self.hidden


@dataclass(frozen=True)
class Found:
    """What could go. `findings` are ordered by bytes, largest first; `could_go` are bytes on disk of each layer.

    `of_row` is the position in `findings` of the one that claims a row, -1 for none.
    """

    findings: tuple[Finding, ...]
    could_go: tuple[int, ...]
    efficiency: Efficiency
    of_row: NDArray[np.int64]


@dataclass(frozen=True)
class Subject:
    """An image and its places. Everything else is worked out when it is asked for the first time."""

    inventory: Inventory
    places: Places

    @cached_property
    def commands(self) -> Sequence[str]:
        """The build step of each layer, "" where it is not recorded."""
        return build_steps(self.inventory)

    @cached_property
    def owners(self) -> tuple[OwnerSize, ...]:
        """Owners that have a row, by bytes on disk, largest first."""
        inventory = self.inventory
        count = len(inventory.owners)
        size, live = inventory.column("size"), inventory.state == State.LIVE
        file = ~np.isin(inventory.column("kind"), (Kind.DIRECTORY, Kind.WHITEOUT, Kind.OPAQUE))
        values = (file, np.where(live, size, 0), np.where(live, 0, size), inventory.column("compressed"))
        sums = np.zeros((len(values), count), dtype=np.int64)
        for total, value in zip(sums, values, strict=True):
            np.add.at(total, inventory.owner, value.astype(np.int64))
        order = np.argsort(-(sums[1] + sums[2]), kind="stable").tolist()
        return tuple(OwnerSize(owner, *sums[:, owner].tolist()) for owner in order if sums[0, owner])

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        """Numeric columns of the table as arrays of their own, for looking up single rows."""
        return {name: self.inventory.column(name) for name in _COLUMNS}

    def bytes_of(self, *, compressed: bool) -> NDArray[np.int64]:
        """The bytes of each row, on disk or compressed."""
        return self.columns["compressed" if compressed else "size"]

    def owner_label(self, row: int) -> str:
        """Whose a row is, harmless to a terminal."""
        return visible(self.inventory.owners[int(self.inventory.owner[row])].label)

    def layer_bytes(self, layer: int) -> tuple[int, int]:
        """A layer's bytes on disk, and of its blob."""
        part = slice(int(self.inventory.starts[layer]), int(self.inventory.starts[layer + 1]))
        return int(self.inventory.column("size")[part].sum()), self.inventory.layers[layer].blob_bytes

    def matching(self, pattern: str) -> Mask:
        """Rows whose path from the root (`/usr/bin/env`) matches a regular expression of RE2 somewhere.

        Letters match both cases unless the pattern has a capital. RE2 takes time linear in the paths, whoever wrote
        them. Raises ValueError where it is no regular expression.
        """
        import pyarrow.compute as pc  # imported late: it takes 60 ms

        found = pc.match_substring_regex(self._rooted, pattern, ignore_case=not any(map(str.isupper, pattern)))
        mask: Mask = found.to_numpy()
        return mask

    @cached_property
    def _rooted(self) -> pa.ChunkedArray:
        import pyarrow.compute as pc

        slash, nothing = (pa.scalar(text, pa.binary()) for text in (b"/", b""))
        return pc.binary_join_element_wise(slash, self.inventory.table["path"], nothing)


def subject_of(inventory: Inventory) -> Subject:
    """The subject of an inventory."""
    return Subject(inventory, places_of(inventory))


def look_for_waste(inventory: Inventory) -> Found:
    """What could go, and dive's score: about as long as `slimml analyze` takes for it."""
    findings = sorted(find_bloat(inventory), key=lambda finding: (-finding.disk_bytes, finding.rule, finding.title))
    of_row = np.full(inventory.table.num_rows, -1, dtype=np.int64)
    for position, finding in enumerate(findings):
        of_row[finding.rows] = position
    could_go = tuple(layer.claimed_disk for layer in account(inventory, findings))
    return Found(tuple(findings), could_go, efficiency_of(inventory), of_row)
