"""What makes a file's content smaller, as the image pipeline sees it: which rows it wants, and one file into another.

A shrinker knows nothing of images but the file table. The pipeline spools what it wants, one file at a time, calls it
in a worker process, remembers what came of it, and writes the new content in the old one's place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slimml.bloat.finding import Risk
    from slimml.inventory.table import Inventory


@dataclass(frozen=True)
class Shrunk:
    """The target was written, whole and checked. `did` tells in a few words what became of the file, for the ledger."""

    did: str


@dataclass(frozen=True)
class Left:
    """The file stays as it is; `reason` ends the sentence "left as it is: …"."""

    reason: str


Outcome = Shrunk | Left


class Shrinker(Protocol):
    """Makes files of one kind smaller. It is sent to worker processes: keep it small and picklable (frozen dataclass).

    `rule` (slimml.bloat.rules), `risk` and `reason` are what plan, report and ledger say. `key` is all that a result
    depends on beside the file's content: the version of the code that makes it, and the options; results are
    remembered by the content's digest and this key. `labels` are told on an image in which it changed something.
    `memory_bytes` is what the process may have of its own while it works on one file; what it maps does not count.
    """

    @property
    def rule(self) -> str: ...

    @property
    def risk(self) -> Risk: ...

    @property
    def reason(self) -> str: ...

    @property
    def key(self) -> str: ...

    @property
    def labels(self) -> tuple[tuple[str, str], ...]: ...

    @property
    def memory_bytes(self) -> int: ...

    def wants(self, inventory: Inventory) -> NDArray[np.int64]:
        """Rows worth a try, told from the file table alone; what is hidden, no file or to be kept is left out later."""

    def shrink(self, source: Path, target: Path) -> Outcome:
        """Write a smaller file of the same meaning to `target` (which does not exist yet), or leave it.

        Depends on the bytes of `source` and on `key` alone, and gives the same bytes each time. Called in a worker
        process, whose memory is limited: read in pieces or map. Whatever it raises leaves the file as it is.
        """
