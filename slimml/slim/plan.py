"""The plan as data: what becomes of each row of the file table, why, and how much that is expected to save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from slimml.bloat.finding import Risk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from slimml.slim.options import Options
    from slimml.slim.replacing.offer import Offer


class Verb(IntEnum):
    """What happens to a row's entry."""

    KEEP = 0
    """its bytes are copied as they are"""
    DROP = 1
    """it goes"""
    LINK = 2
    """it becomes a hard link of the row in `target`, which has the same content"""
    EDIT = 3
    """its content is edited"""
    MOVE = 4
    """it goes, but its content is needed by hard links: at its place the content is written as the row in `target`"""
    MOVED = 5
    """it is written where its content stood (a MOVE has this row as its target)"""
    RETARGET = 6
    """a hard link whose target is now the row in `target`"""
    REPLACE = 7
    """its content is replaced by what is offered for it, which is smaller"""
    LIFT = 8
    """it is written into a layer of its own on top, with the other rows in `Plan.lifted`"""


@dataclass(frozen=True)
class Why:
    """The reason for a change: the rule that asked for it. `subject` is whom it is about, if not all that goes so."""

    rule: str
    risk: Risk
    reason: str
    subject: str = ""

    @property
    def told(self) -> str:
        """The reason in full, as the ledger has it."""
        return f"{self.subject}: {self.reason}" if self.subject else self.reason


@dataclass(frozen=True)
class Kept:
    """Rows that would have gone by `rules` and stay, because a probe failed without them.

    `name` is what they are, in words. `paths` (absolute) cover them and nothing else that goes, so that they can be
    given as `--keep`. `reason` tells which probe failed, and how.
    """

    name: str
    paths: tuple[str, ...]
    rows: tuple[int, ...]
    rules: tuple[str, ...]
    disk_bytes: int
    reason: str


class Edit(Protocol):
    """A change of one file's content, stated as data."""

    def apply(self, content: bytes) -> bytes:
        """The new content; the same bytes where there is nothing to change. Raises ValueError if not understood."""


@dataclass(frozen=True)
class Plan:
    """Arrays have one element per row of the inventory.

    `why` are positions in `reasons` (-1: nothing happens). `parents` lists per layer directories that no entry tells
    of and that would vanish with what they hold: they are written. `dangling` are symlinks that lead nowhere now and
    stay. `packages` are positions of the owners that go whole, `kept` what mending put back. `disk_bytes` and
    `compressed_bytes` are what is expected to go: content, and its estimated part of the blobs. `offers` are contents
    that rows could get; a row of the verb REPLACE does.
    """

    options: Options
    verb: NDArray[np.uint8]
    target: NDArray[np.int64]
    why: NDArray[np.int32]
    reasons: tuple[Why, ...]
    edits: Mapping[int, Edit]
    parents: Mapping[int, tuple[str, ...]]
    dangling: tuple[str, ...]
    notes: tuple[str, ...]
    disk_bytes: int
    compressed_bytes: int
    packages: tuple[int, ...] = ()
    kept: tuple[Kept, ...] = ()
    offers: Mapping[int, Offer] = field(default_factory=dict)
    lifted: frozenset[int] = frozenset()
    """rows that are written into a layer of their own on top: those of the verb LIFT, and some of REPLACE"""
    below: Plan | None = None
    """the plan of the lowest layers, where other images share them; this one has it in its first rows"""

    @property
    def goes(self) -> NDArray[np.bool_]:
        """Of each row whether its path goes."""
        from numpy import isin  # imported late: who only names verbs need not wait for it

        return isin(self.verb, (Verb.DROP, Verb.MOVE))

    @property
    def departures(self) -> NDArray[np.int64]:
        """Rows that go, or get another content, in `below`, and have to stay here as they are: while there are any,
        the layers are not shared.
        """
        from numpy import flatnonzero

        if self.below is None:
            return flatnonzero(())
        count = len(self.below.verb)
        spared = (self.below.verb == Verb.REPLACE) & (self.verb[:count] == Verb.KEEP)
        return flatnonzero((self.below.goes & ~self.goes[:count]) | spared)

    @property
    def empty(self) -> bool:
        """Whether no row changes."""
        return not self.verb.any()

    def reason_of(self, row: int) -> Why:
        """Why this row changes."""
        return self.reasons[int(self.why[row])]
