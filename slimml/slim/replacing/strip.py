"""The rule `strip`: shared objects and programs without what only debuggers, profilers and linkers read."""

from __future__ import annotations

import re
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

_DEBUG_FILES = re.compile(r"(?:.*/)?lib/debug/.*|.*\.(?:debug|dwo|dwp|ko)", re.DOTALL)
"""files whose whole point is what the rule takes out, and modules that the kernel links"""


@dataclass(frozen=True)
class Strip:
    """Takes out symbols, debug information and gaps. Names that programs look up while they run stay."""

    rule: str = STRIP
    risk: Risk = Risk.SAFE
    reason: str = "symbols and debug information, which no loader maps"
    labels: tuple[tuple[str, str], ...] = ()
    memory_bytes: int = 512 << 20

    @property
    def key(self) -> str:
        """The version of what strips."""
        from slimml.native.strip import STRIP_VERSION

        return f"strip/{STRIP_VERSION}"

    def wants(self, inventory: Inventory) -> NDArray[np.int64]:
        """Shared objects and programs with so many bytes that no loader maps that the finding `unstripped` tells."""
        import numpy as np

        from slimml.bloat.detectors.native import MINIMUM_BYTES
        from slimml.bloat.path_facts import path_facts
        from slimml.inventory.form import ELF_EXECUTABLE, ELF_SHARED

        loaded = path_facts(inventory).of_form(ELF_SHARED, ELF_EXECUTABLE)
        rows = np.flatnonzero(loaded & (inventory.column("debug") >= MINIMUM_BYTES))
        paths = inventory.paths
        return np.array([row for row in rows.tolist() if not _DEBUG_FILES.fullmatch(paths[row])], dtype=np.int64)

    def shrink(self, source: Path, target: Path) -> Outcome:
        """The file laid out anew; raises OSError."""
        from slimml.native.outcome import Left as LeftAsIs
        from slimml.native.strip import strip_file

        outcome = strip_file(source, target)
        if isinstance(outcome, LeftAsIs):
            return Left(outcome.reason)
        return Shrunk(", ".join(sorted(outcome.gone)))
