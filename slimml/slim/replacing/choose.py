"""Which shrinkers work on an image: what is on by itself, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.bloat.rules import GPU_ARCHITECTURES, MODELS
from slimml.slim.replacing.gpu import GpuArchitectures, gpu_libraries, named_rows
from slimml.slim.replacing.models import LOSSLESS, Models, model_shrinkers
from slimml.slim.replacing.strip import Strip

if TYPE_CHECKING:
    from slimml.inventory.read_rows import Read
    from slimml.inventory.table import Inventory
    from slimml.slim.options import Options
    from slimml.slim.replacing.shrinker import Shrinker

MEANING = (
    "their licences forbid changed copies, or are not known: whether you may distribute the result is between you and "
    "their owners"
)


@dataclass(frozen=True)
class Wanted:
    """What the user asked of shrinkers. `gpu_targets` are compute capabilities times ten; none: GPU code stays.

    `models` is a tier, or "off".
    """

    gpu_targets: tuple[int, ...] = ()
    modify_proprietary: bool = False
    models: str = LOSSLESS


@dataclass(frozen=True)
class Chosen:
    """`shrinkers` in the order in which they work on a file; `remarks` are for people."""

    shrinkers: tuple[Shrinker, ...]
    remarks: tuple[str, ...] = ()


def choose_shrinkers(inventory: Inventory, options: Options, wanted: Wanted, read: Read) -> Chosen:
    """The shrinkers for an image. `read` is asked for licence texts; raises what reading layers raises."""
    shrinkers: list[Shrinker] = []
    remarks: list[str] = []
    if wanted.gpu_targets and options.takes(GPU_ARCHITECTURES, GpuArchitectures.risk):
        libraries = gpu_libraries(inventory, read)
        rows, others = libraries.changeable(), libraries.others()
        if others and wanted.modify_proprietary:
            rows = tuple(sorted((*rows, *others)))
            remarks.append(f"--modify-proprietary changes libraries ({named_rows(inventory, others)}): {MEANING}")
        elif others:
            size = sum(int(inventory.column("gpu")[row]) for row in others)
            remarks.append(
                f"libraries with {size / 1e6:.0f} MB of GPU code stay as they are ({named_rows(inventory, others)}): "
                f"their licences forbid changed copies, or are not known; --modify-proprietary changes them as well"
            )
        if not libraries.licences:
            remarks.append(f"{inventory.image.reference} has no library with GPU code: --gpu-arch changes nothing")
        shrinkers.append(GpuArchitectures(wanted.gpu_targets, rows))
    shrinkers.append(Strip(proprietary=wanted.modify_proprietary))
    if wanted.models != "off" and options.takes(MODELS, Models.risk):
        shrinkers += model_shrinkers(inventory, wanted.models, read)
    return Chosen(tuple(shrinkers), tuple(remarks))
