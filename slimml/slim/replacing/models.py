"""The rule `models`: model files that hold more than inference reads, or, where that was asked for, than it needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from slimml.bloat.finding import Risk
from slimml.bloat.rules import MODELS
from slimml.slim.replacing.shrinker import Left, Outcome, Shrunk
from slimml.slim.replacing.text import Text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slimml.inventory.read_rows import Read
    from slimml.inventory.table import Inventory

LOSSLESS, COMPACT, QUANTIZE = "lossless", "compact", "quantize"
_WITH = ("numpy", "onnx", "onnxruntime")
"""what makes and checks a result, where it is installed"""
_LEAST_BYTES = 64 << 10
_MOST_CONFIG = 1 << 20
_MEMORY_BYTES = {LOSSLESS: 1 << 30, COMPACT: 4 << 30, QUANTIZE: 6 << 30}
_REASONS = {
    LOSSLESS: "parts of models that inference does not read; its weights stay bit for bit",
    COMPACT: "weights of models stored in fewer bits, fp32 again once loaded",
    QUANTIZE: "models that compute in int8 where that pays, judged by the probes",
}


@dataclass(frozen=True)
class Models:
    """Makes models smaller up to `tier`. `half` is the type that the configuration of those at `rows` names."""

    tier: str
    rows: tuple[int, ...]
    half: str | None = None
    rule: str = MODELS
    risk: Risk = Risk.SAFE
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def reason(self) -> str:
        """What goes."""
        return _REASONS[self.tier]

    @property
    def memory_bytes(self) -> int:
        """Graphs are held in memory, as protocol buffers are."""
        return _MEMORY_BYTES[self.tier]

    @property
    def key(self) -> str:
        """The version of the tier, and of what it works with."""
        from slimml.models.shrinker import COMPACT_KEY, LOSSLESS_KEY, QUANTIZE_KEY

        further = {COMPACT: COMPACT_KEY, QUANTIZE: f"{QUANTIZE_KEY} {COMPACT_KEY}"}
        made = LOSSLESS_KEY if self.tier == LOSSLESS else f"{further[self.tier]} {self.half}"
        return " ".join((made, *(f"{name}/{_version(name)}" for name in _WITH)))

    def wants(self, inventory: Inventory) -> NDArray[np.int64]:
        """The rows that were chosen."""
        import numpy as np

        return np.array(self.rows, dtype=np.int64)

    def shrink(self, source: Path, target: Path) -> Outcome:
        """The model made smaller; raises what reading it raises."""
        from slimml.models import shrinker

        if self.tier == LOSSLESS:
            outcome = shrinker.lossless(source, target)
        else:
            further = shrinker.quantize if self.tier == QUANTIZE else shrinker.compact
            outcome = further(source, target, self.half)
        return Left(outcome.reason) if isinstance(outcome, shrinker.Left) else Shrunk(outcome.did)


def model_shrinkers(inventory: Inventory, tier: str, read: Read) -> list[Models]:
    """The shrinkers for an image's models. `read` is asked for the configurations beside safetensors files.

    Raises what reading layers raises.
    """
    rows = _model_rows(inventory, tier)
    if tier == LOSSLESS:
        return [Models(tier, tuple(rows))] if rows else []
    by_half: dict[str | None, list[int]] = defaultdict(list)
    types = _types(inventory, rows, read)
    for row in rows:
        by_half[types.get(inventory.paths[row].rpartition("/")[0])].append(row)
    return [Models(tier, tuple(own), half) for half, own in sorted(by_half.items(), key=lambda it: it[0] or "")]


def _model_rows(inventory: Inventory, tier: str) -> list[int]:
    import numpy as np

    from slimml.bloat.path_facts import path_facts
    from slimml.inventory import form

    forms = [form.MODEL_ONNX, form.MODEL_TORCH]
    if tier != LOSSLESS:
        forms += [form.MODEL_SAFETENSORS, form.PICKLE]
    facts = path_facts(inventory)
    found: list[int] = np.flatnonzero(facts.files & facts.of_form(*forms) & (facts.size >= _LEAST_BYTES)).tolist()
    return found


def _types(inventory: Inventory, rows: Sequence[int], read: Read) -> dict[str, str]:
    """The half-sized type that the configuration in each directory names."""
    from slimml.models.cast import type_of_config

    places = {inventory.paths[row].rpartition("/")[0] for row in rows}
    configs = {place: inventory.live.get(f"{place}/config.json".lstrip("/")) for place in places}
    small = {
        place: row for place, row in configs.items() if row is not None and 0 < _size(inventory, row) <= _MOST_CONFIG
    }
    takers = {row: Text() for row in small.values()}
    if takers:
        read(takers)
    found: dict[str, str] = {}
    for place, row in sorted(small.items()):
        with TemporaryDirectory() as beside:
            Path(beside, "config.json").write_bytes(takers[row].content)
            half = type_of_config(Path(beside))
        if half:
            found[place] = half
    return found


def _size(inventory: Inventory, row: int) -> int:
    return int(inventory.column("size")[row])


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
