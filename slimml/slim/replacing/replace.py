"""What shrinkers make of an image's files, before anything is written: so that a plan's numbers are exact.

Each layer that holds a wanted file is read once; identical files are shrunk once; what is known from an earlier run is
not read at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.read_rows import read_rows
from slimml.oci.digest import Digest, hex_of
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.progress import SILENT, Progress
from slimml.slim.plan import Why
from slimml.slim.planning import staying_rows, uneditable_rows
from slimml.slim.replacing.offer import Offer, Smaller
from slimml.slim.replacing.remembered import Remembered, Result, chain_key
from slimml.slim.replacing.spool import Room, Spooled, discard
from slimml.slim.replacing.taking import replaceable
from slimml.slim.replacing.worker import Job
from slimml.slim.replacing.workers import Workers

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.progress import Task
    from slimml.slim.plan import Plan
    from slimml.slim.replacing.shrinker import Shrinker


@dataclass(frozen=True)
class Offers:
    """`taken` by row. `left` says of each path that was tried, and by which rule, why it stays as it is."""

    taken: Mapping[int, Offer] = field(default_factory=dict)
    left: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def make_offers(
    inventory: Inventory,
    plan: Plan,
    shrinkers: Sequence[Shrinker],
    place: Path,
    remembered: Remembered,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Offers:
    """Shrink the files that `plan` leaves in the image and that `shrinkers` want. New contents lie in `place`, which
    the caller removes when the image is written.

    Raises what reading layers raises, and AccessDenied or SlimmlError where `place` cannot be written (a full disk).
    """
    wishes = _wishes(inventory, plan, shrinkers)
    if not wishes:
        return Offers()
    place.mkdir(mode=0o700, exist_ok=True)
    with progress.task("making files smaller", sum(int(inventory.column("size")[row]) for row in wishes)) as task:
        work = _Work(inventory, wishes, place, remembered, task)
        work.run(limits)
    return work.offers()


def _wishes(inventory: Inventory, plan: Plan, shrinkers: Sequence[Shrinker]) -> dict[int, tuple[Shrinker, ...]]:
    """Who wants which row, in the order of the shrinkers."""
    chosen = [one for one in shrinkers if plan.options.takes(one.rule, one.risk)]
    held = staying_rows(inventory, plan.options, plan.kept) | uneditable_rows(inventory, plan.options)
    free = replaceable(inventory, plan, held) if chosen else np.empty(0, dtype=np.int64)
    found: dict[int, tuple[Shrinker, ...]] = {}
    for one in chosen:
        for row in np.intersect1d(one.wants(inventory), free).tolist():
            found[row] = (*found.get(row, ()), one)
    return found


class _Work:
    """The files on their way: rows by content, contents by what became of them."""

    def __init__(
        self,
        inventory: Inventory,
        wishes: Mapping[int, tuple[Shrinker, ...]],
        place: Path,
        remembered: Remembered,
        task: Task,
    ) -> None:
        self._inventory, self._wishes, self._place, self._remembered = inventory, wishes, place, remembered
        self._task = task
        self._digest: dict[int, Digest] = {}
        self._results: dict[tuple[Digest, str], Result] = {}
        self._waiting: set[tuple[Digest, str]] = set()
        self._room = Room()

    def run(self, limits: Limits) -> None:
        """Read what is not known, and shrink what was never shrunk."""
        inventory, starts = self._inventory, self._inventory.starts
        known = {layer.diff_id: self._remembered.digests(layer.diff_id) for layer in inventory.image.layers}
        unread: dict[int, tuple[Shrinker, ...]] = {}
        for row, shrinkers in self._wishes.items():
            layer = int(inventory.layer[row])
            digest = known[inventory.image.layers[layer].diff_id].get(row - int(starts[layer]))
            if digest is not None and self._is_known(digest, chain_key(shrinkers)):
                self._digest[row] = digest
                self._task.advance(int(inventory.column("size")[row]))
            else:
                unread[row] = shrinkers
        if not unread:
            return
        with Workers() as workers:
            takers = {row: self._taker(row, shrinkers, workers) for row, shrinkers in unread.items()}
            try:
                read_rows(inventory, takers, limits=limits)
                workers.finish()
            finally:
                self._room.close()
        self._remember_digests(unread)

    def offers(self) -> Offers:
        """What rows could get."""
        taken: dict[int, Offer] = {}
        left: dict[str, Mapping[str, str]] = {}
        for row, shrinkers in self._wishes.items():
            digest = self._digest[row]
            key = chain_key(shrinkers)
            result = self._results[digest, key]
            if result.left:
                left[f"/{self._inventory.paths[row]}"] = result.left
            if result.did:
                content = Smaller(
                    path=self._target(digest, key),
                    size=result.size,
                    sha256=Digest(f"sha256:{result.sha256}"),
                    sha1=result.sha1,
                    md5=result.md5,
                    before=digest,
                )
                doing = [one for one in shrinkers if one.rule in result.did]
                labels = tuple(label for one in doing for label in one.labels)
                taken[row] = Offer(content, _why(doing), labels)
        return Offers(dict(sorted(taken.items())), left)

    def _target(self, digest: Digest, key: str) -> Path:
        return self._place / f"{hex_of(digest)}-{key}"

    def _is_known(self, digest: Digest, key: str) -> bool:
        """Whether there is a result, or will be one."""
        if (digest, key) in self._results or (digest, key) in self._waiting:
            return True
        found = self._remembered.get(digest, key, self._target(digest, key))
        if found is not None:
            self._results[digest, key] = found
        return found is not None

    def _taker(self, row: int, shrinkers: tuple[Shrinker, ...], workers: Workers) -> Spooled:
        key = chain_key(shrinkers)

        def ready(source: Path, digest: Digest, size: int) -> None:
            self._digest[row] = digest
            if self._is_known(digest, key):
                discard(source, self._room, size)
                self._task.advance(size)
                return
            self._waiting.add((digest, key))
            target = self._target(digest, key)

            def done(result: Result) -> None:
                discard(source, self._room, size)
                self._results[digest, key] = result
                self._remembered.put(digest, key, result, target)
                self._task.advance(size)

            workers.submit(Job(source, target, shrinkers), done)

        return Spooled(self._place / f"spooled-{row}", self._room, ready)

    def _remember_digests(self, rows: Mapping[int, object]) -> None:
        by_layer: dict[int, dict[int, Digest]] = defaultdict(dict)
        for row in rows:
            layer = int(self._inventory.layer[row])
            by_layer[layer][row - int(self._inventory.starts[layer])] = self._digest[row]
        for layer, known in by_layer.items():
            self._remembered.put_digests(self._inventory.image.layers[layer].diff_id, known)


def _why(doing: Sequence[Shrinker]) -> Why:
    """The reason for what these did together: it is told as the first one's."""
    first = doing[0]
    more = "".join(f"; also {one.rule}: {one.reason}" for one in doing[1:])
    return Why(first.rule, first.risk, f"{first.reason}{more}")
