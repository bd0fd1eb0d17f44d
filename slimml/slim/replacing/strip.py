"""The rule `strip`: shared objects and programs without what only debuggers, profilers and linkers read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bloat.finding import Risk
from slimml.bloat.rules import STRIP
from slimml.slim.replacing.shrinker import Left, Outcome, Shrunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory


@dataclass(frozen=True)
class Strip:
    """Takes out symbols, debug information and gaps. Names that programs look up while they run stay."""

    rule: str = STRIP
    risk: Risk = Risk.SAFE
    reason: str = "symbols and debug information, which no loader maps"
    labels: tuple[tuple[str, str], ...] = ()
    memory_bytes: int = 512 << 20
    proprietary: bool = False
    """whether libraries as well whose owners are known to forbid changed copies"""

    @property
    def key(self) -> str:
        """The version of what strips."""
        from slimml.native.strip import STRIP_VERSION

        return f"strip/{STRIP_VERSION}"

    def wants(self, inventory: Inventory) -> NDArray[np.int64]:
        """The files of the finding `unstripped`, and with `proprietary` what it leaves out."""
        from slimml.bloat.detectors.native import strippable

        return strippable(inventory, proprietary=self.proprietary)

    def shrink(self, source: Path, target: Path) -> Outcome:
        """The file laid out anew; raises OSError."""
        from slimml.native.outcome import Left as LeftAsIs
        from slimml.native.strip import strip_file

        outcome = strip_file(source, target)
        if isinstance(outcome, LeftAsIs):
            return Left(outcome.reason)
        return Shrunk(", ".join(sorted(outcome.gone)))
