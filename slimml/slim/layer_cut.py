"""Where a layer's tar is cut: at the entries that change, with runs between them that pass as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.errors import InvalidImage
from slimml.slim.plan import Verb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory
    from slimml.slim.plan import Plan


@dataclass(frozen=True)
class Span:
    """Bytes `start` to `stop` of the tar. `row` is the row of the inventory that is looked at, -1 for a run to copy."""

    start: int
    stop: int
    row: int


def spans(inventory: Inventory, plan: Plan, layer: int, watched: NDArray[np.int64]) -> list[Span]:
    """The layer's entries in order; `watched` are rows that do not change and are looked at all the same.

    Raises InvalidImage if the inventory's entries do not lie one after the other.
    """
    first, last = int(inventory.starts[layer]), int(inventory.starts[layer + 1])
    offset = inventory.column("offset")[first:last]
    end = offset + inventory.column("tar_bytes")[first:last]
    if len(offset) and (offset[0] != 0 or not np.array_equal(end[:-1], offset[1:])):
        raise InvalidImage(f"layer {layer}: its entries do not follow each other; slimml cannot cut it")
    special = plan.verb[first:last] != Verb.KEEP
    special[watched[(watched >= first) & (watched < last)] - first] = True
    found: list[Span] = []
    position = 0
    for index in np.flatnonzero(special).tolist():
        start, stop = int(offset[index]), int(end[index])
        if position < start:
            found.append(Span(position, start, -1))
        found.append(Span(start, stop, first + index))
        position = stop
    total = int(end[-1]) if len(end) else 0
    if position < total:
        found.append(Span(position, total, -1))
    return found
