"""GPU code in the libraries of an image: bytes by architecture, what each `--gpu-arch` would save, whose licence it is.

The libraries are read as shrinkers' files are, and what was found is remembered by content: an image without GPU code
costs nothing, one that was seen before hardly anything.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bloat.finding import Risk
from slimml.bloat.rules import GPU_ARCHITECTURES
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.progress import SILENT, Progress
from slimml.slim.replacing.gpu import USUAL_TARGETS, gpu_libraries, gpu_rows
from slimml.slim.replacing.shrinker import Left, Outcome
from slimml.slim.replacing.work import work_on

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slimml.inventory.read_rows import Read
    from slimml.inventory.table import Inventory
    from slimml.slim.replacing.remembered import Remembered


@dataclass(frozen=True)
class GpuCodeOf:
    """A library of an image. `by_target` are bytes of GPU code, `saved_by` what could go at most for one target alone;
    `unread` says why they are not known.
    """

    path: str
    layer: int
    size: int
    by_target: Mapping[str, int]
    saved_by: Mapping[str, int]
    licence: str
    may_be_changed: bool
    unread: str = ""


@dataclass(frozen=True)
class Inspection:
    """Looks into a library as a shrinker does that always leaves it: what it found is its reason, as JSON."""

    rule: str = GPU_ARCHITECTURES
    risk: Risk = Risk.ASK
    reason: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    memory_bytes: int = 512 << 20

    @property
    def key(self) -> str:
        """The version of what looks."""
        from slimml.native.trim import VERSION

        return f"inspection/2 {VERSION}"

    def wants(self, inventory: Inventory) -> NDArray[np.int64]:
        """Live files with sections of GPU code."""
        import numpy as np

        return np.array(gpu_rows(inventory), dtype=np.int64)

    def shrink(self, source: Path, target: Path) -> Outcome:
        """What is in the file, nothing written; raises OSError and Unsupported."""
        del target
        from slimml.native.architectures import name_of
        from slimml.native.inspect import inspect_file

        found = inspect_file(source)
        by_target: Counter[str] = Counter()
        for code in found.gpu:
            by_target[code.target] += code.bytes
        saved = {name_of(target): found.droppable([target]) for target in USUAL_TARGETS}
        return Left(json.dumps({"by_target": by_target, "saved_by": saved}))


def gpu_code_of(
    inventory: Inventory,
    place: Path,
    remembered: Remembered,
    read: Read,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> list[GpuCodeOf]:
    """The libraries with GPU code, those with most first. They are spooled to `place`; `read` reads licence texts.

    Raises what reading layers raises.
    """
    rows = gpu_rows(inventory)
    if not rows:
        return []
    one = Inspection()
    worked = work_on(
        inventory,
        dict.fromkeys(rows, (one,)),
        place,
        remembered,
        title="looking into GPU code",
        limits=limits,
        progress=progress,
    )
    licences = gpu_libraries(inventory, read).licences
    found = []
    for row in rows:
        said, unread = _told(worked[row].result.left.get(one.rule, ""))
        found.append(
            GpuCodeOf(
                path=f"/{inventory.paths[row]}",
                layer=int(inventory.layer[row]),
                size=int(inventory.column("size")[row]),
                by_target=said.get("by_target", {}),
                saved_by=said.get("saved_by", {}),
                licence=licences[row].name,
                may_be_changed=licences[row].may_be_changed,
                unread=unread,
            )
        )
    return sorted(found, key=lambda it: (-sum(it.by_target.values()), it.path))


def _told(text: str) -> tuple[dict[str, dict[str, int]], str]:
    """What an inspection said, or why there is none."""
    try:
        return json.loads(text), ""
    except ValueError:
        return {}, text or "it was not read"
