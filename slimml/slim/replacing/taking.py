"""Which offers a plan takes up: contents of rows that stay, in which nobody else has a say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.slim.names import hard_links, repeated_paths
from slimml.slim.plan import Plan, Verb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory
    from slimml.slim.draft import Draft
    from slimml.slim.replacing.offer import Offer, Smaller


def replaceable(inventory: Inventory, plan: Plan, held: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Live files that the plan leaves as they are or links to one that is the same, ascending, without `held` rows.

    Files of which a later layer has a hard link are none of them: that would get the new content unasked.
    """
    links = hard_links(inventory)
    free = (inventory.state == State.LIVE) & (inventory.column("kind") == Kind.FILE) & ~held
    free &= np.isin(plan.verb, (Verb.KEEP, Verb.LINK, Verb.LIFT)) & ~repeated_paths(inventory)
    free[links.holder[~links.simple]] = False
    # A name that has to stay as it is keeps the content for all of them.
    free[links.holder[held[links.rows]]] = False
    return np.flatnonzero(free)


def take_offers(
    draft: Draft, offers: Mapping[int, Offer], staying: NDArray[np.bool_], below: Plan | None = None
) -> dict[str, Smaller]:
    """Give rows that do not change their new content; gives the paths that have one then, all names of a file.

    Of the lowest layers those rows get theirs that get it in the plan `below`.
    """
    inventory = draft.inventory
    links = draft.links
    held = draft.held | staying
    if below is not None:
        settled = slice(len(below.verb))
        held[settled] = staying[settled] | (below.verb != Verb.REPLACE)
    kept_names = set(links.holder[staying[links.rows]].tolist())
    found: dict[str, Smaller] = {}
    for row, offer in offers.items():
        if draft.verb[row] == Verb.KEEP and not held[row] and row not in kept_names:
            draft.verb[row] = Verb.REPLACE
            draft.why[row] = draft.reason(offer.why)
            found[inventory.paths[row]] = offer.content
    holders = np.flatnonzero(draft.verb == Verb.REPLACE)
    for at in np.flatnonzero(np.isin(links.holder, holders) & draft.live[links.rows]).tolist():
        if not draft.drop[links.rows[at]]:
            found[inventory.paths[int(links.rows[at])]] = offers[int(links.holder[at])].content
    return found


def same_content(draft: Draft, offers: Mapping[int, Offer], row: int, other: int) -> bool:
    """Whether two rows of the same content have the same one in the result, too."""
    new = [offers[it].content.sha256 if draft.verb[it] == Verb.REPLACE else None for it in (row, other)]
    return new[0] == new[1]


def saved_bytes(inventory: Inventory, verb: NDArray[np.uint8], offers: Mapping[int, Offer]) -> tuple[int, int]:
    """Bytes of content, and about how many of the blobs, that go because contents become smaller."""
    rows = np.flatnonzero(verb == Verb.REPLACE)
    size = inventory.column("size")[rows]
    new = np.array([offers[row].content.size for row in rows.tolist()], dtype=np.int64)
    share = inventory.column("compressed")[rows] * ((size - new) / np.maximum(size, 1))
    return int((size - new).sum()), int(share.sum())
