"""What the closure of a recording gives: of every live row whether it is kept, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Depth(StrEnum):
    """How far what is kept reaches beyond what was used."""

    DISTRIBUTION = "distribution"
    """whole Python distributions and OS packages of which something was used or can be imported"""
    MODULE = "module"
    """of a distribution the modules and libraries used, and what they can import or load"""
    STRICT = "strict"
    """what was used and what it cannot exist without: for those who know"""


@dataclass(frozen=True)
class Closure:
    """One element per row of the inventory's table. `why` are positions in `reasons`; 0 says that a row is not kept.

    `reasons` are sentences that name what keeps a row. `owners_dropped` are positions of owners that go entirely.
    `notes` are remarks for the user: what was guessed, what could not be read.
    """

    depth: Depth
    keep: NDArray[np.bool_]
    why: NDArray[np.int32]
    reasons: tuple[str, ...]
    owners_dropped: tuple[int, ...]
    notes: tuple[str, ...]
