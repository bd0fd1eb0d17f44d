"""Who claims a row: proposals become findings that share no row, so that parts add up to the image to the byte.

The order in which rows are claimed:

1. what can be removed (DROP, PACKAGE): safe before likely before ask, and of the same risk in the order of the
   detectors, the more specific first;
2. hard links (LINK). They come after all removals, whatever their risk, because a link's target has to stay;
3. what is only told (TELL), whole files before parts of files.

Some rows are claimed by nobody's removal: what the system cannot do without, licences, whiteouts, files whose content a
hard link still needs, directories that still hold something. Nothing that a symbolic link leads to counts as safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.build_step import build_steps
from slimml.bloat.finding import Action, Finding, LayerShare, Proposal, Risk
from slimml.bloat.links import hard_links, held_back, linked_from_outside
from slimml.bloat.path_facts import path_facts
from slimml.bloat.protected import protected
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

_REMOVALS = (Action.DROP, Action.PACKAGE)
_RISKS = tuple(Risk)


@dataclass(frozen=True)
class LayerAccount:
    """One layer's bytes, each counted once. `claimed_*` lie in findings, `overhead_compressed` in headers of entries
    without content and in the end of the tar, `other_*` in everything else: the three sum to the layer.
    """

    layer: int
    command: str
    rows: int
    disk_bytes: int
    compressed_bytes: int
    claimed_disk: int
    claimed_compressed: int
    overhead_compressed: int

    @property
    def other_disk(self) -> int:
        """Content that no finding claims."""
        return self.disk_bytes - self.claimed_disk

    @property
    def other_compressed(self) -> int:
        """Compressed bytes of files that no finding claims."""
        return self.compressed_bytes - self.claimed_compressed - self.overhead_compressed


def attribute(inventory: Inventory, proposals: Iterable[Proposal]) -> list[Finding]:
    """Findings from proposals, in the order of claiming; no row is in two of them."""
    claims = _Claims(inventory)
    ordered = sorted(proposals, key=_priority)
    claimed = [(proposal, *claims.claim(proposal)) for proposal in ordered]
    made = (claims.finding(proposal, rows, targets) for proposal, rows, targets in claimed)
    return [finding for finding in made if finding is not None]


def account(inventory: Inventory, findings: Sequence[Finding]) -> tuple[LayerAccount, ...]:
    """The bytes of each layer, split into findings, overhead and the rest."""
    unclaimed = np.ones(inventory.table.num_rows, dtype=bool)
    for finding in findings:
        unclaimed[finding.rows] = False
    headers = unclaimed & (inventory.column("kind") != Kind.FILE)
    compressed = inventory.column("compressed")
    size = inventory.column("size")
    shares = [share for finding in findings for share in finding.shares]
    accounts = []
    for number, (layer, command) in enumerate(zip(inventory.layers, build_steps(inventory), strict=True)):
        part = slice(int(inventory.starts[number]), int(inventory.starts[number + 1]))
        own = [share for share in shares if share.layer == number]
        accounts.append(
            LayerAccount(
                layer=number,
                command=command,
                rows=part.stop - part.start,
                disk_bytes=int(size[part].sum()),
                compressed_bytes=layer.blob_bytes,
                claimed_disk=sum(share.disk_bytes for share in own),
                claimed_compressed=sum(share.compressed_bytes for share in own),
                overhead_compressed=layer.trailer_compressed + int(compressed[part][headers[part]].sum()),
            )
        )
    return tuple(accounts)


def _priority(proposal: Proposal) -> tuple[int, int]:
    if proposal.action in _REMOVALS:
        phase = 0
    elif proposal.action is Action.LINK:
        phase = 1
    else:
        phase = 2 if proposal.reclaim is None else 3
    return phase, _RISKS.index(proposal.risk)


class _Claims:
    """The rows that are taken, and what each row weighs."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.facts = path_facts(inventory)
        self.free = inventory.state != State.MARKER
        self.removable = self.free & ~protected(inventory)
        self.size = inventory.column("size")
        self.compressed = inventory.column("compressed")
        self.tar_bytes = inventory.column("tar_bytes")
        self.steps = build_steps(inventory)

    def claim(self, proposal: Proposal) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
        """Take what is left for this proposal; for links also their targets."""
        rows = np.unique(proposal.rows)
        targets = None
        if proposal.action is Action.DROP:
            rows = rows[self.free[rows] & self.removable[rows]]
        else:
            rows = rows[self.free[rows]]
        if proposal.action in _REMOVALS:
            rows = np.setdiff1d(rows, held_back(self.inventory, rows), assume_unique=True)
            if proposal.risk is Risk.SAFE:
                rows = np.setdiff1d(rows, linked_from_outside(self.inventory, rows), assume_unique=True)
            rows = self._without_used_directories(rows)
        elif proposal.action is Action.LINK and proposal.targets is not None:
            rows, targets = self._links(proposal.rows, proposal.targets)
        self.free[rows] = False
        return rows, targets

    def _without_used_directories(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        if not (self.facts.kind[rows] == Kind.DIRECTORY).any():
            return rows
        staying = self.facts.live.copy()
        staying[rows] = False
        return rows[~self.facts.holding(staying)[rows]]

    def _links(
        self, rows: NDArray[np.int64], targets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(rows)
        _, holders = hard_links(self.inventory)
        taken: list[tuple[int, int]] = []
        stays: dict[int, int] = {}
        for row, target in zip(rows[order].tolist(), targets[order].tolist(), strict=True):
            if not self.free[row]:
                continue
            kept = stays.setdefault(target, target if self.free[target] else row)
            if kept != row:
                taken.append((row, kept))
        chosen = np.array(taken, dtype=np.int64).reshape(-1, 2)
        # A file that other names share stays the file that it is.
        chosen = chosen[~np.isin(chosen[:, 0], holders)]
        return chosen[:, 0], chosen[:, 1]

    def finding(self, proposal: Proposal, rows: NDArray[np.int64], targets: NDArray[np.int64] | None) -> Finding | None:
        """The finding with these rows, None if nothing is left to say."""
        told = proposal.action is Action.TELL and (proposal.always or not proposal.rows.size)
        if not rows.size and not told:
            return None
        disk, compressed = self._weigh(proposal, rows)
        return Finding(
            rule=proposal.rule,
            title=proposal.title,
            risk=proposal.risk,
            action=proposal.action,
            rows=rows,
            disk_bytes=int(disk.sum()),
            compressed_bytes=int(compressed.sum()),
            shares=self._shares(rows, disk, compressed),
            fix=proposal.fix,
            reason=proposal.reason,
            owners=proposal.owners,
            mentioned=np.unique(proposal.rows),
            targets=targets,
        )

    def _weigh(self, proposal: Proposal, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        disk, compressed = self.size[rows], self.compressed[rows]
        if proposal.action is Action.LINK:
            return disk, compressed * disk // np.maximum(self.tar_bytes[rows], 1)
        if proposal.reclaim is None:
            return disk, compressed
        reclaim = np.zeros(len(self.size), dtype=np.int64)
        reclaim[proposal.rows] = proposal.reclaim
        part = np.minimum(reclaim[rows], disk)
        return part, compressed * part // np.maximum(disk, 1)

    def _shares(
        self, rows: NDArray[np.int64], disk: NDArray[np.int64], compressed: NDArray[np.int64]
    ) -> tuple[LayerShare, ...]:
        layers = self.inventory.layer[rows]
        shares = []
        for layer in np.unique(layers).tolist():
            own = layers == layer
            shares.append(
                LayerShare(layer, self.steps[layer], int(own.sum()), int(disk[own].sum()), int(compressed[own].sum()))
            )
        return tuple(shares)
