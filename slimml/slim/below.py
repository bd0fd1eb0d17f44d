"""The lowest layers of an image as another plan has them: what several images share has to become the same in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.slim.plan import Verb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.slim.draft import Draft
    from slimml.slim.plan import Edit, Plan

Parents = Mapping[int, tuple[str, ...]]


def lay_below(draft: Draft, below: Plan, staying: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Let go in the draft what goes in `below`, but for what is `staying`, and hold the rest of its rows.

    Gives the rows that are held so and that a container sees: packages that they belong to stay.
    """
    count = len(below.verb)
    draft.reasons.extend(below.reasons)
    going = below.goes
    draft.held[:count] |= ~going
    forced = np.flatnonzero(going & ~staying[:count])
    draft.drop[forced] = True
    draft.why[forced] = below.why[forced]
    standing = np.zeros(len(draft.drop), dtype=bool)
    standing[:count] = ~going
    inventory = draft.inventory
    seen = (inventory.state == State.LIVE) & (inventory.column("kind") != Kind.DIRECTORY)
    return np.asarray(standing & seen, dtype=bool)


def keep_below(
    draft: Draft, below: Plan, edits: dict[int, Edit], parents: Parents, notes: list[str]
) -> tuple[dict[int, Edit], Parents]:
    """The edits and parents, with those of `below` in its layers, whose verbs the draft takes over.

    Where something of these layers has to stay that goes, or gets another content, in `below`, everything is left as it
    is.
    """
    inventory = draft.inventory
    count = len(below.verb)
    spared = (below.verb == Verb.REPLACE) & (draft.verb[:count] == Verb.KEEP)
    if spared.any() or not np.array_equal(draft.drop[:count], below.goes):
        return edits, parents
    for row in sorted(edits):
        if row < count and row not in below.edits:
            notes.append(f"/{inventory.paths[row]} is not updated: other images share its layer as it is")
    draft.verb[:count] = below.verb
    draft.target[:count] = below.target
    draft.why[:count] = below.why
    layers = int(np.searchsorted(inventory.starts, count, side="right")) - 1
    own = {row: edit for row, edit in edits.items() if row >= count}
    above = {layer: paths for layer, paths in parents.items() if layer >= layers}
    return {**below.edits, **own}, {**below.parents, **above}
