"""Files with the same content: in one layer they can be hard links, across layers only the build can share them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.links import hard_links
from slimml.bloat.path_facts import path_facts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

MINIMUM_BYTES = 4096
"""Below this a header of the tar weighs as much as what a link saves."""

_SHARED_BY_LINKS = ("mode", "uid", "gid", "mtime")
_WRITABLE_BY_OTHERS = 0o022
_PLACES_OF_PROGRAMS = ("usr", "opt", "bin", "sbin", "lib", "lib64")
_FIX = (
    "Copy once and link: RUN ln TARGET NAME in the step that makes the copy, or COPY --from only one of them; "
    "a symbolic link to a directory does for whole trees."
)


def duplicates(inventory: Inventory) -> Iterator[Proposal]:
    """Live files of at least MINIMUM_BYTES whose content an earlier live file has.

    Names of a hard link share mode, owner and time, so within a layer only files that agree in them are proposed.
    """
    rows, groups = identical_files(inventory)
    in_layer, firsts = _later_ones(np.column_stack([groups, inventory.layer[rows], *_metadata(inventory, rows)]), rows)
    sure = _never_written(inventory, in_layer) & _never_written(inventory, firsts)
    for rule, risk, chosen, reason in (
        (
            "duplicates",
            Risk.SAFE,
            sure,
            "a hard link is the same file under two names; root owns them, nobody writes them",
        ),
        (
            "duplicates-writable",
            Risk.LIKELY,
            ~sure,
            "a program that writes one of the names in place may change the other",
        ),
    ):
        yield Proposal(
            rule,
            "Identical files in one layer" if risk is Risk.SAFE else "Identical files in one layer that may be written",
            risk,
            Action.LINK,
            in_layer[chosen],
            _FIX,
            reason,
            targets=firsts[chosen],
        )
    across, _ = _later_ones(groups[:, None], rows)
    across = np.setdiff1d(across, in_layer)
    if across.size:
        yield Proposal(
            "duplicates-elsewhere",
            "Files whose content another layer, or a file with another owner or time, has too",
            Risk.ASK,
            Action.TELL,
            across,
            "Copy them once, and link in the step that makes them: cp and COPY in a later step store them again.",
            "layers cannot share content, and a link's names cannot differ in mode, owner or time",
        )


def identical_files(inventory: Inventory) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Live files with a twin, ascending, and the number of each one's content (equal size and hash)."""
    pair: tuple[NDArray[np.int64], NDArray[np.int64]] = path_facts(inventory).once(
        "identical files", lambda: _number_contents(inventory)
    )
    return pair


def _number_contents(inventory: Inventory) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    facts = path_facts(inventory)
    rows = np.flatnonzero(facts.files & (facts.size >= MINIMUM_BYTES))
    # Only sizes that occur twice can have twins: hashes of the others need no look.
    _, inverse, counts = np.unique(facts.size[rows], return_inverse=True, return_counts=True)
    rows = rows[counts[inverse] > 1]
    words, read = inventory.contents
    checksums, known = inventory.checksums
    # Where the content was read, its own hash decides; the engine's checksum stands in where it was not.
    by_checksum = np.unique(checksums[rows], return_inverse=True)[1] * 2
    by_content = np.unique(words[rows], axis=0, return_inverse=True)[1].reshape(-1) * 2 + 1
    numbers = np.where(read[rows], by_content, np.where(known[rows], by_checksum, -1))
    rows, numbers = rows[numbers >= 0], numbers[numbers >= 0]
    sizes = np.unique(facts.size[rows], return_inverse=True)[1]
    _, groups, counts = np.unique(numbers * (sizes.max(initial=0) + 1) + sizes, return_inverse=True, return_counts=True)
    twins = counts[groups] > 1
    return rows[twins], groups[twins].astype(np.int64)


def _metadata(inventory: Inventory, rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [inventory.column(name)[rows].astype(np.int64) for name in _SHARED_BY_LINKS]


def _later_ones(keys: NDArray[np.int64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that repeat the keys of an earlier row, and for each that first row."""
    if not len(rows):
        return rows, rows
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    firsts = rows[first][inverse.reshape(-1)]
    later = firsts != rows
    return rows[later], firsts[later]


def _never_written(inventory: Inventory, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    facts = path_facts(inventory)
    programs = facts.beneath(*_PLACES_OF_PROGRAMS)[rows]
    closed = (inventory.column("mode")[rows] & _WRITABLE_BY_OTHERS) == 0
    shared = np.isin(rows, hard_links(inventory)[1])
    return np.asarray(programs & closed & (inventory.column("uid")[rows] == 0) & ~shared, dtype=bool)
