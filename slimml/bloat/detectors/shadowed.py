"""Bytes that a later layer hides: overwritten, copied up for a chmod, deleted. They are pulled and never seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.build_step import build_steps
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.path_facts import path_facts
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

_METADATA = ("mode", "uid", "gid")


def shadowed(inventory: Inventory) -> Iterator[Proposal]:
    """Hidden rows, told apart by how they were hidden. Whiteouts themselves stay: other layers may need them."""
    kind = inventory.column("kind")
    # A directory below a newer one of the same path still carries what lies in it.
    overwritten = np.flatnonzero((inventory.state == State.OVERWRITTEN) & (kind != Kind.DIRECTORY))
    deleted = np.flatnonzero(inventory.state == State.DELETED)
    same, changed = _same_content(inventory, overwritten)
    yield Proposal(
        "copied-up",
        "Files copied into another layer to change their mode or owner",
        Risk.SAFE,
        Action.DROP,
        overwritten[same & changed],
        "Set mode and owner where the files arrive: COPY --chown=USER --chmod=MODE …, or chown and chmod in the RUN "
        f"that creates them.{_hidden_by(inventory, overwritten[same & changed])}",
        "the same content was written again by a later step with other permissions; the older copy is hidden",
    )
    yield Proposal(
        "written-again",
        "Files written again unchanged by a later step",
        Risk.SAFE,
        Action.DROP,
        overwritten[same & ~changed],
        "Copy or install these files once; order COPY lines so that a later one does not repeat an earlier one."
        f"{_hidden_by(inventory, overwritten[same & ~changed])}",
        "the same content was written again by a later step; the older copy is hidden",
    )
    yield Proposal(
        "overwritten",
        "Files replaced by a later step",
        Risk.SAFE,
        Action.DROP,
        overwritten[~same],
        "Install or write the final version at once: join the steps into one RUN, or build in an earlier stage and "
        f"COPY --from only the result.{_hidden_by(inventory, overwritten[~same])}",
        "a later layer has another file at this path; the older one is hidden",
    )
    yield Proposal(
        "deleted",
        "Files deleted by a later step",
        Risk.SAFE,
        Action.DROP,
        deleted,
        "Delete in the RUN that creates: RUN … && rm -rf …, or create it in an earlier stage."
        f"{_hidden_by(inventory, deleted)}",
        "a later layer deletes them, which hides them and frees nothing",
    )


def _same_content(inventory: Inventory, rows: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each overwritten row: has its successor the same content, and is its successor's mode or owner another?"""
    successors = _successors(inventory, rows)
    known = np.flatnonzero(successors >= 0)
    old, new = rows[known], successors[known]
    facts = path_facts(inventory)
    equal = (facts.size[old] == facts.size[new]) & (facts.size[old] > 0) & _hashes_equal(inventory, old, new)
    differs = np.zeros(len(old), dtype=bool)
    for name in _METADATA:
        column = inventory.column(name)
        differs |= column[old] != column[new]
    same, changed = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    same[known], changed[known] = equal, differs
    return same, changed


def _successors(inventory: Inventory, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row that replaced each row, -1 where there is none."""
    kind, layer, paths = inventory.column("kind"), inventory.layer, inventory.paths
    wanted = {(paths[row], int(inventory.by[row])) for row in rows[kind[rows] == Kind.FILE].tolist()}
    found: dict[tuple[str, int], int] = {}
    if wanted:
        names = {path for path, _ in wanted}
        for row, path in enumerate(paths):
            if path in names and kind[row] == Kind.FILE:
                found[path, int(layer[row])] = row
    successors = [found.get((paths[row], int(inventory.by[row])), -1) for row in rows.tolist()]
    return np.array(successors, dtype=np.int64)


def _hashes_equal(inventory: Inventory, old: NDArray[np.int64], new: NDArray[np.int64]) -> NDArray[np.bool_]:
    words, read = inventory.contents
    checksums, known = inventory.checksums
    by_content = (words[old] == words[new]).all(axis=1) & read[old] & read[new]
    by_checksum = (checksums[old] == checksums[new]) & known[old] & known[new]
    return np.asarray(by_content | by_checksum, dtype=bool)


def _hidden_by(inventory: Inventory, rows: NDArray[np.int64]) -> str:
    """Which step hides most of these bytes, as a sentence."""
    if not rows.size:
        return ""
    hiders = np.maximum(inventory.by[rows], 0)
    layer = int(np.bincount(hiders, weights=inventory.column("size")[rows].astype(float)).argmax())
    step = build_steps(inventory)[layer] if layer < len(inventory.layers) else ""
    if len(step) > 120:
        step = f"{step[:119]}…"
    return f" Most of it is hidden by layer {layer}{f': {step}' if step else ''}."
