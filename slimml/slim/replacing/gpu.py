"""The rule `gpu-architectures`: libraries with the code of the GPUs that will be there, where a licence allows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bloat.finding import Risk
from slimml.bloat.rules import GPU_ARCHITECTURES
from slimml.slim.replacing.shrinker import Left, Outcome, Shrunk
from slimml.slim.replacing.text import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slimml.inventory.read_rows import Read
    from slimml.inventory.table import Inventory
    from slimml.native.licence import Licence

USUAL_TARGETS = (75, 80, 86, 89, 90, 100, 120)
"""GPUs that are asked about where none is named: T4, A100, A10, L4, H100, B200, RTX 50 and their kin"""
_MOST_TEXT = 1 << 20
_COPYRIGHT = "usr/share/doc/"


@dataclass(frozen=True)
class GpuArchitectures:
    """Keeps the code for `targets` (compute capabilities times ten). `rows` are those that may be changed."""

    targets: tuple[int, ...]
    rows: tuple[int, ...]
    rule: str = GPU_ARCHITECTURES
    risk: Risk = Risk.ASK
    memory_bytes: int = 512 << 20

    @property
    def reason(self) -> str:
        """What is left out."""
        return f"GPU code that {self._names} does not need"

    @property
    def key(self) -> str:
        """The version of what trims, and for whom."""
        from slimml.native.trim import VERSION

        return f"gpu/{VERSION} {self._names}"

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """On another GPU such an image fails with "no kernel image": it has to say for which it is."""
        return ((GPU_ARCHITECTURES, self._names),)

    @property
    def _names(self) -> str:
        from slimml.native.architectures import names_of

        return names_of(self.targets)

    def wants(self, inventory: Inventory) -> NDArray[np.int64]:
        """The rows that may be changed."""
        import numpy as np

        return np.array(self.rows, dtype=np.int64)

    def shrink(self, source: Path, target: Path) -> Outcome:
        """The file without the other GPUs' code; raises OSError."""
        from slimml.native.outcome import Left as LeftAsIs
        from slimml.native.trim import trim_file

        outcome = trim_file(source, target, self.targets, drop_debug=False)
        if isinstance(outcome, LeftAsIs):
            return Left(outcome.reason)
        return Shrunk("; ".join((f"for {self._names}", *outcome.remarks)))


@dataclass(frozen=True)
class GpuLibraries:
    """Live files with GPU code, and under which licence each is; `read` licences are those of their packages."""

    licences: Mapping[int, Licence]

    def changeable(self) -> tuple[int, ...]:
        """Rows of libraries that may be changed by anybody."""
        return tuple(row for row, licence in self.licences.items() if licence.may_be_changed)

    def others(self) -> tuple[int, ...]:
        """Rows of those that may not, or of which it is not known."""
        return tuple(row for row, licence in self.licences.items() if not licence.may_be_changed)


def gpu_rows(inventory: Inventory) -> list[int]:
    """Live files with sections of GPU code, ascending."""
    import numpy as np

    from slimml.bloat.path_facts import path_facts

    return np.flatnonzero(path_facts(inventory).files & (inventory.column("gpu") > 0)).tolist()


def gpu_libraries(inventory: Inventory, read: Read) -> GpuLibraries:
    """The files with GPU code and their licences, for which `read` reads the licence texts of their packages.

    Raises what reading layers raises.
    """
    from slimml.native.licence import UNKNOWN, of_library, recognise

    rows = gpu_rows(inventory)
    owners = sorted({int(inventory.owner[row]) for row in rows})
    texts = {owner: _licence_rows(inventory, owner) for owner in owners}
    takers = {row: Text() for own in texts.values() for row in own}
    if takers:
        read(takers)
    found: dict[int, Licence] = {}
    for owner in owners:
        told = {inventory.paths[row]: takers[row].text for row in texts[owner]}
        place = inventory.owners[owner].place
        metadata = inventory.captured(f"{place}/METADATA") or inventory.captured(f"{place}/PKG-INFO") or b""
        found[owner] = recognise(told, metadata.decode("utf-8", "replace")) if told or metadata else UNKNOWN
    return GpuLibraries({row: of_library(inventory.paths[row], found[int(inventory.owner[row])]) for row in rows})


def _licence_rows(inventory: Inventory, owner: int) -> list[int]:
    """The licence texts of a package: those among its metadata, else any that it has; a copyright file of Debian."""
    import numpy as np

    from slimml.bloat.path_facts import path_facts
    from slimml.inventory.owner import System
    from slimml.native.licence import is_licence_file

    package = inventory.owners[owner]
    if package.system in (System.APPLICATION, System.UNKNOWN):
        return []
    name = package.name.partition(":")[0]
    own = np.flatnonzero(path_facts(inventory).files & (inventory.owner == owner)).tolist()
    small = [row for row in own if int(inventory.column("size")[row]) <= _MOST_TEXT]
    if package.system is System.DPKG:
        return [row for row in small if inventory.paths[row] == f"{_COPYRIGHT}{name}/copyright"]
    named = [row for row in small if is_licence_file(inventory.paths[row])]
    inside = [row for row in named if package.place and inventory.paths[row].startswith(f"{package.place}/")]
    return inside or named


def named_rows(inventory: Inventory, rows: Sequence[int]) -> str:
    """Rows in words: how many, of which packages."""
    labels = sorted({inventory.owners[int(inventory.owner[row])].label for row in rows})
    more = f" and {len(labels) - 6} more" if len(labels) > 6 else ""
    return f"{len(rows)} of {', '.join(labels[:6])}{more}"
