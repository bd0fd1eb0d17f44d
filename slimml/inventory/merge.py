"""The merged root: which entries a container sees, and which layer hid the others (OCI image-spec layer.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.table import LayerInventory, State
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEVER = 1 << 14
"""a layer above all: limits.layers stays far below"""


@dataclass(frozen=True)
class Merged:
    """What became of each row of the layers, concatenated from the bottom up.

    `state` holds `State`; `by` the lowest layer that hid the row (its own layer where a later entry of the same tar
    replaced it), -1 where nothing did.
    """

    state: NDArray[np.uint8]
    by: NDArray[np.int16]


def merge(layers: Sequence[LayerInventory]) -> Merged:
    """Lay the layers over each other (image-spec layer.md, "Applying Changesets").

    - A later entry replaces an earlier one of the same path, in the same tar too. An older directory below a newer one
      is OVERWRITTEN, what it holds stays.
    - A whiteout hides a path and all beneath it, an opaque marker all beneath a directory, but of lower layers only,
      wherever in the tar the marker stands; an entry of their own layer stays.
    - What is no directory hides all that lower layers, or earlier entries of its own, have beneath its path.
    - Where a row is both replaced and hidden in the same layer, it counts as OVERWRITTEN.

    Paths are compared as they are, no symlink is followed: a whiteout or an entry beneath a symlink (or beneath a path
    that is no directory below) hides nothing but its own path, for engines disagree about what it reaches, and a row
    said to be LIVE is never dropped. For the same reason nothing hides the root itself.
    """
    tars = [_Tar(layer) for layer in layers]
    holding = set().union(*(tar.directories for tar in tars))
    above = _Above()
    merged = [_merge_one(tar, index, above, holding) for index, tar in reversed(list(enumerate(tars)))]
    states = [np.empty(0, np.uint8), *(state for state, _ in reversed(merged))]
    hiders = [np.empty(0, np.int16), *(by for _, by in reversed(merged))]
    return Merged(np.concatenate(states), np.concatenate(hiders))


class _Tar:
    """One layer's entries: `paths` and `kinds` of those in `rows` that are no markers, and what they say."""

    def __init__(self, layer: LayerInventory) -> None:
        every: list[bytes] = layer.table["path"].to_numpy().tolist()
        kinds = layer.column("kind")
        marker = (kinds == Kind.WHITEOUT) | (kinds == Kind.OPAQUE)
        self.count = len(every)
        self.rows = np.flatnonzero(~marker)
        self.kinds = kinds[self.rows]
        self.paths = [every[row] for row in self.rows.tolist()] if marker.any() else every
        self.whiteouts = {every[row] for row in np.flatnonzero(kinds == Kind.WHITEOUT).tolist()} - {b""}
        self.opaque = {every[row] for row in np.flatnonzero(kinds == Kind.OPAQUE).tolist()}
        self.parents = [path.rpartition(b"/")[0] for path in self.paths]
        self.directories = _with_parents(set(self.parents))
        self.last = dict(zip(self.paths, range(len(self.paths)), strict=True))


@dataclass
class _Above:
    """What the layers above do to those below: for each path the lowest layer that does it.

    Of a path in `emptied` all that lies beneath is hidden, the path itself need not be.
    """

    entries: dict[bytes, int] = field(default_factory=dict)
    whiteouts: dict[bytes, int] = field(default_factory=dict)
    emptied: dict[bytes, int] = field(default_factory=dict)


def _with_parents(directories: set[bytes]) -> set[bytes]:
    """The directories and all that hold them; the root, b"", is one."""
    known = {b""}
    for directory in directories:
        while directory not in known:
            known.add(directory)
            directory = directory.rpartition(b"/")[0]
    return known


def _lowest(directories: Iterable[bytes], marks: Mapping[bytes, int]) -> dict[bytes, int]:
    """For each directory, and each that holds it, the lowest mark on it or on one that holds it."""
    known: dict[bytes, int] = {b"": marks.get(b"", _NEVER)}
    for directory in directories:
        pending = []
        while directory not in known:
            pending.append(directory)
            directory = directory.rpartition(b"/")[0]
        outer = known[directory]
        for inner in reversed(pending):
            outer = known[inner] = min(outer, marks.get(inner, _NEVER))
    return known


def _merge_one(
    tar: _Tar, layer: int, above: _Above, holding: set[bytes]
) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """State and hider of the rows of one layer, which then joins those above. `holding` are paths that hold some."""
    count, last = len(tar.paths), tar.last
    replaced = np.full(count, _NEVER, np.int16)
    deleted = np.full(count, _NEVER, np.int16)
    emptied = {path: above.emptied[path] for path in above.emptied.keys() & tar.directories}
    if emptied:
        inside = _lowest(set(tar.parents), emptied)
        deleted = np.fromiter(map(inside.__getitem__, tar.parents), np.int16, count)
        if b"" in last:
            deleted[last[b""]] = _NEVER
    # Of several entries with one path the last alone can meet another layer.
    for path in above.whiteouts.keys() & last.keys():
        deleted[last[path]] = min(deleted[last[path]], above.whiteouts[path])
    for path in above.entries.keys() & last.keys():
        replaced[last[path]] = above.entries[path]
    if len(last) < count:
        replaced[np.fromiter(map(last.__getitem__, tar.paths), np.int64, count) != np.arange(count)] = layer
    obstacles = [row for row in np.flatnonzero(tar.kinds != Kind.DIRECTORY).tolist() if tar.paths[row] in holding]
    buried = _buried(tar, obstacles)
    deleted[buried] = layer

    hider = np.minimum(replaced, deleted)
    live = hider == _NEVER
    state = np.full(tar.count, State.MARKER, np.uint8)
    state[tar.rows] = np.where(live, State.LIVE, np.where(replaced <= deleted, State.OVERWRITTEN, State.DELETED))
    by = np.full(tar.count, -1, np.int16)
    by[tar.rows] = np.where(live, -1, hider)

    # What the tar itself replaced or buried does nothing to lower layers.
    gone = set(buried)
    present = [path for path, row in last.items() if row not in gone] if gone else last
    above.entries.update(zip(present, repeat(layer)))
    solid = (tar.paths[row] for row in obstacles if row == last[tar.paths[row]] and row not in gone)
    above.emptied.update(zip(chain(filter(None, solid), tar.whiteouts, tar.opaque), repeat(layer)))
    above.whiteouts.update(zip(tar.whiteouts, repeat(layer)))
    return state, by


def _buried(tar: _Tar, obstacles: Iterable[int]) -> list[int]:
    """Rows that lie beneath the path of a later one which is no directory; `obstacles` are rows that may be such."""
    latest = {tar.paths[row]: -row for row in obstacles if tar.paths[row] in tar.directories and tar.paths[row]}
    if not latest:
        return []
    inside = _lowest(set(tar.parents), latest)
    return [row for row, parent in enumerate(tar.parents) if inside[parent] < -row]
