"""A finding: rows of the file table that could go, at what risk, made by which layer, and how to fix the build."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory


class Risk(StrEnum):
    """How sure we are that nothing needs it."""

    SAFE = "safe"
    """no program that worked can notice (caches, shadowed bytes)"""
    LIKELY = "likely"
    """a service does not use it; a developer in the container might (headers, tests, documentation)"""
    ASK = "ask"
    """only the owner of the image knows (models in two formats, secrets, a second framework)"""


class Action(StrEnum):
    """What `optimize` does about it."""

    DROP = "drop"
    """remove the rows"""
    LINK = "link"
    """make the rows hard links of an identical file in the same layer"""
    PACKAGE = "package"
    """remove whole packages: rows and the packages' database entries"""
    SHRINK = "shrink"
    """make the files smaller; they stay (slimml.slim.replacing)"""
    TELL = "tell"
    """nothing but telling: a person has to change the build"""


@dataclass(frozen=True)
class Proposal:
    """What a detector says: rows it would claim. Rows that an earlier detector claimed are taken out later.

    `owners` are positions in `Inventory.owners` of the packages that go entirely (Action.PACKAGE).
    """

    rule: str
    title: str
    risk: Risk
    action: Action
    rows: NDArray[np.int64]
    fix: str
    reason: str
    owners: tuple[int, ...] = ()
    reclaim: NDArray[np.int64] | None = None
    """bytes of each row that could go, where that is less than the whole file (symbols in a shared object)"""
    targets: NDArray[np.int64] | None = None
    """Action.LINK: the row that each row becomes a hard link of; equal by size and hash, the writer compares"""
    always: bool = False
    """told even when other findings claimed all its rows (secrets)"""


@dataclass(frozen=True)
class LayerShare:
    """A finding's part in one layer. `command` is the build step that made the layer, "" when unknown."""

    layer: int
    command: str
    rows: int
    disk_bytes: int
    compressed_bytes: int


def _no_rows() -> NDArray[np.int64]:
    from numpy import empty  # imported late: who only shows findings need not wait for it

    return empty(0, dtype="int64")


@dataclass(frozen=True)
class Finding:
    """A proposal after attribution: no row belongs to two findings. Bytes: `disk_bytes` of content,
    `compressed_bytes` of the blobs, the latter estimated from where the rows lie in them."""

    rule: str
    title: str
    risk: Risk
    action: Action
    rows: NDArray[np.int64]
    disk_bytes: int
    compressed_bytes: int
    shares: tuple[LayerShare, ...]
    fix: str
    reason: str
    owners: tuple[int, ...] = field(default=())
    mentioned: NDArray[np.int64] = field(default_factory=_no_rows)
    """all rows it speaks of, also those that another finding claimed"""
    targets: NDArray[np.int64] | None = None
    """Action.LINK: the row that each of `rows` becomes a hard link of"""
    decided: bool = False
    """Action.PACKAGE: just these rows go with the packages, and packages that stay may require them"""


Detector = Callable[["Inventory"], Iterable[Proposal]]
"""Table in, proposals out. A detector reads the inventory only."""

Findings = Sequence[Finding]
