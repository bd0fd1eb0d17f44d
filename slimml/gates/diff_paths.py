"""Holds the paths that two containers see together: what came, went or changed, and the bytes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.gates.difference import ARCHIVES, HIDDEN, NOTHING, Extent, Part, PathChange, PathFate, What
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

    Rows = NDArray[np.int64]
    Mask = NDArray[np.bool_]

_LINKS = 8
"""hard links to hard links; a tar that goes on longer is compared by the names of its links"""
_LISTED = (PathFate.ADDED, PathFate.REMOVED, PathFate.CHANGED, PathFate.UNKNOWN)


@dataclass(frozen=True)
class Paths:
    """`listed` are the changes, the largest first; `left_out` others are summed in `rest`; `unknown` counts files that
    could not be compared. `parts` sum to the two images."""

    parts: tuple[Part, ...]
    listed: tuple[PathChange, ...]
    left_out: int
    rest: Part
    unknown: int


@dataclass(frozen=True)
class _Joined:
    """Paths of either image by their live rows, -1 where there is none, and what differs."""

    old: Rows
    new: Rows
    what: dict[What, Mask]
    unknown: Mask

    def fates(self) -> dict[PathFate, Mask]:
        added, removed = self.old < 0, self.new < 0
        changed = np.logical_or.reduce(list(self.what.values())) & ~added & ~removed
        unknown = self.unknown & ~changed & ~added & ~removed
        return {
            PathFate.ADDED: added,
            PathFate.REMOVED: removed,
            PathFate.CHANGED: changed,
            PathFate.UNKNOWN: unknown,
            PathFate.SAME: ~(added | removed | changed | unknown),
        }


def compare_paths(before: Inventory, after: Inventory, top: int | None = None) -> Paths:
    """Both merged roots, path by path; `top` bounds how many changes are listed."""
    joined = _join(before, after)
    fates = joined.fates()
    parts = [
        Part(fate.value, _extent(before, joined.old[mask]), _extent(after, joined.new[mask]))
        for fate, mask in fates.items()
    ]
    parts += [Part(HIDDEN, _hidden(before), _hidden(after)), Part(ARCHIVES, _ends(before), _ends(after))]
    every = np.flatnonzero(np.logical_or.reduce([fates[fate] for fate in _LISTED]))
    order = _by_growth(before, after, joined, every)
    shown, rest = (order, order[:0]) if top is None else (order[:top], order[top:])
    named = np.select([fates[fate] for fate in _LISTED], range(len(_LISTED)), default=-1)
    return Paths(
        parts=tuple(part for part in parts if (part.before, part.after) != (NOTHING, NOTHING)),
        listed=_changes(before, after, joined, [_LISTED[number] for number in named[shown].tolist()], shown),
        left_out=len(rest),
        rest=Part("rest", _extent(before, joined.old[rest]), _extent(after, joined.new[rest])),
        unknown=int(fates[PathFate.UNKNOWN].sum()),
    )


def cannot_compare(before: Inventory, after: Inventory) -> bool:
    """Whether files are known by their contents' hashes alone in one image, and by checksums alone in the other."""
    lacking = []
    for inventory in (before, after):
        files = (inventory.column("kind") == Kind.FILE) & (inventory.column("size") > 0)
        lacking.append([bool((files & ~known).any()) for known in (inventory.contents[1], inventory.checksums[1])])
    (no_hash, no_sum), (other_no_hash, other_no_sum) = lacking
    return (no_hash and other_no_sum) or (no_sum and other_no_hash)


def _join(before: Inventory, after: Inventory) -> _Joined:
    old_root, new_root = before.live, after.live
    gone = [row for path, row in old_root.items() if path not in new_root]
    old = np.fromiter((old_root.get(path, -1) for path in new_root), np.int64, len(new_root))
    new = np.fromiter(new_root.values(), np.int64, len(new_root))
    old = np.concatenate([old, np.array(gone, np.int64)])
    new = np.concatenate([new, np.full(len(gone), -1, np.int64)])
    both = np.flatnonzero((old >= 0) & (new >= 0))
    what, unknown = _compared(before, after, old[both], new[both])
    return _Joined(old, new, {name: _spread(mask, both, len(old)) for name, mask in what.items()},
                   _spread(unknown, both, len(old)))  # fmt: skip


def _spread(mask: Mask, places: Rows, count: int) -> Mask:
    found = np.zeros(count, bool)
    found[places] = mask
    return found


def _compared(before: Inventory, after: Inventory, old: Rows, new: Rows) -> tuple[dict[What, Mask], Mask]:
    """What differs of rows with one path, and where the contents could not be held together."""
    kinds = before.column("kind")[old], after.column("kind")[new]
    # A hard link is a file by another name: its content is that of the file that it names.
    targets = _resolved(before, old), _resolved(after, new)
    real = before.column("kind")[targets[0]], after.column("kind")[targets[1]]
    files = (real[0] == Kind.FILE) & (real[1] == Kind.FILE)
    equal, known = _same_content(before, after, *targets)
    same_size = before.column("size")[targets[0]] == after.column("size")[targets[1]]
    links = (kinds[0] == Kind.HARDLINK) | (kinds[1] == Kind.HARDLINK) | (kinds[0] == Kind.SYMLINK)
    owners = [before.column(name)[old] != after.column(name)[new] for name in ("uid", "gid")]
    modes = (before.column("mode")[old] != after.column("mode")[new]) & (kinds[1] != Kind.SYMLINK)
    changed = real[0] != real[1]
    what = {
        What.KIND: changed,
        What.CONTENT: files & (~same_size | (known & ~equal)),
        What.LINK: ~changed & _links_differ(before, after, old, new, links),
        What.MODE: ~changed & modes,
        What.OWNER: owners[0] | owners[1],
    }
    return what, files & same_size & ~known


def _resolved(inventory: Inventory, rows: Rows) -> Rows:
    """Each row, or the file that it is a hard link to."""
    kinds, live, links = inventory.column("kind"), inventory.live, inventory.links
    found = rows.copy()
    for _ in range(_LINKS):
        linking = np.flatnonzero(kinds[found] == Kind.HARDLINK)
        if not linking.size:
            break
        found[linking] = [live.get(links[row], row) for row in found[linking].tolist()]
    return found


def _same_content(before: Inventory, after: Inventory, old: Rows, new: Rows) -> tuple[Mask, Mask]:
    """Whether contents are equal, and whether that is known: by hash, else by the engine's checksums."""
    (words, hashed), (other_words, other_hashed) = before.contents, after.contents
    (sums, summed), (other_sums, other_summed) = before.checksums, after.checksums
    by_hash = hashed[old] & other_hashed[new]
    by_sum = summed[old] & other_summed[new]
    equal = np.where(by_hash, (words[old] == other_words[new]).all(axis=1), sums[old] == other_sums[new])
    # Files without content have nothing to be read.
    empty = (before.column("size")[old] == 0) & (after.column("size")[new] == 0)
    return equal | empty, by_hash | by_sum | empty


def _links_differ(before: Inventory, after: Inventory, old: Rows, new: Rows, links: Mask) -> Mask:
    found = np.zeros(len(old), bool)
    places = np.flatnonzero(links)
    if places.size:
        one, other = before.links, after.links
        found[places] = [one[a] != other[b] for a, b in zip(old[places].tolist(), new[places].tolist(), strict=True)]
    return found


def _extent(inventory: Inventory, rows: Rows) -> Extent:
    rows = rows[rows >= 0]
    files = np.count_nonzero(~np.isin(inventory.column("kind")[rows], (Kind.DIRECTORY, Kind.WHITEOUT, Kind.OPAQUE)))
    sizes, compressed = inventory.column("size")[rows], inventory.column("compressed")[rows]
    return Extent(int(files), int(sizes.sum()), int(compressed.sum()))


def _hidden(inventory: Inventory) -> Extent:
    return _extent(inventory, np.flatnonzero(inventory.state != State.LIVE))


def _ends(inventory: Inventory) -> Extent:
    return Extent(compressed_bytes=sum(layer.trailer_compressed for layer in inventory.layers))


def _column(inventory: Inventory, name: str, rows: Rows) -> NDArray[np.int64]:
    """Values of rows, 0 for those that are none."""
    values = inventory.column(name)
    return np.where(rows >= 0, values[rows], 0) if len(values) else np.zeros(len(rows), np.int64)


def _by_growth(before: Inventory, after: Inventory, joined: _Joined, places: Rows) -> Rows:
    """The places, those first that changed most on disk; then by path."""
    old, new = joined.old[places], joined.new[places]
    growth = np.abs(_column(after, "size", new) - _column(before, "size", old))
    paths = [_path(before, after, one, other) for one, other in zip(old.tolist(), new.tolist(), strict=True)]
    ranks = np.empty(len(paths), np.int64)
    ranks[sorted(range(len(paths)), key=paths.__getitem__)] = np.arange(len(paths))
    return places[np.lexsort((ranks, -growth))]


def _path(before: Inventory, after: Inventory, old: int, new: int) -> str:
    return after.paths[new] if new >= 0 else before.paths[old]


def _changes(
    before: Inventory, after: Inventory, joined: _Joined, fates: Sequence[PathFate], places: Rows
) -> tuple[PathChange, ...]:
    """The rows of a list, made of whole columns: one by one it takes fifteen times as long."""
    old, new = joined.old[places], joined.new[places]
    sides = zip(_extents(before, old), _extents(after, new), strict=True)
    what = {name: mask[places].tolist() for name, mask in joined.what.items()}
    labels = [[owner.label for owner in inventory.owners] for inventory in (before, after)]
    owners = before.owner, after.owner
    found = []
    for at, (one, other, (was, became)) in enumerate(zip(old.tolist(), new.tolist(), sides, strict=True)):
        changed = tuple(name for name, mask in what.items() if mask[at]) if fates[at] is PathFate.CHANGED else ()
        owner = labels[1][owners[1][other]] if other >= 0 else labels[0][owners[0][one]]
        found.append(PathChange(_path(before, after, one, other), fates[at], changed, owner, was, became))
    return tuple(found)


def _extents(inventory: Inventory, rows: Rows) -> list[Extent]:
    files = np.where(rows >= 0, 1, 0) - (_column(inventory, "kind", rows) == Kind.DIRECTORY)
    columns = files, _column(inventory, "size", rows), _column(inventory, "compressed", rows)
    return [Extent(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
