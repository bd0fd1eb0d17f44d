"""Files of an image put through shrinkers: read out of their layers, worked on by processes, remembered by content.

Each layer that holds one of them is read once; identical files are worked on once; what is known from an earlier run is
not read at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from slimml.inventory.read_rows import read_rows
from slimml.oci.digest import Digest, hex_of
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.progress import SILENT, Progress
from slimml.slim.replacing.remembered import Remembered, Result, chain_key
from slimml.slim.replacing.spool import Room, Spooled, discard
from slimml.slim.replacing.worker import Job
from slimml.slim.replacing.workers import Workers

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.progress import Task
    from slimml.slim.replacing.shrinker import Shrinker

Wishes = Mapping[int, tuple["Shrinker", ...]]
"""who works on which row, in this order"""


class Worked(NamedTuple):
    """What became of a row's file: the digest of its content, the result, and where the new content is, if any."""

    content: Digest
    result: Result
    target: Path


def work_on(
    inventory: Inventory,
    wishes: Wishes,
    place: Path,
    remembered: Remembered,
    *,
    title: str,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> dict[int, Worked]:
    """What shrinkers make of live files. New contents lie in `place`, a directory that the caller removes.

    Raises what reading layers raises, and AccessDenied or SlimmlError where `place` cannot be written (a full disk).
    """
    if not wishes:
        return {}
    place.mkdir(mode=0o700, exist_ok=True)
    with progress.task(title, sum(int(inventory.column("size")[row]) for row in wishes)) as task:
        work = _Work(inventory, wishes, place, remembered, task)
        work.run(limits)
        return work.found()


class _Work:
    """The files on their way: rows by content, contents by what became of them."""

    def __init__(
        self,
        inventory: Inventory,
        wishes: Wishes,
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

    def found(self) -> dict[int, Worked]:
        """What became of each row."""
        found: dict[int, Worked] = {}
        for row, shrinkers in self._wishes.items():
            digest, key = self._digest[row], chain_key(shrinkers)
            found[row] = Worked(digest, self._results[digest, key], self._target(digest, key))
        return found

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
