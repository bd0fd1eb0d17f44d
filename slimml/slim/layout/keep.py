"""Which layers of a previous image stay as they are, so that who has that image fetches little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slimml.oci.tar.events import Kind
from slimml.slim.layout.listing import Listing
from slimml.slim.layout.root import Root, apply_layer

DEAD_SHARE = 0.2
"""of the image: so many bytes of what the previous one had may be carried along unseen, for they cost a first pull"""
DEAD_BYTES = 8 << 20
"""that much may be, however small the image is"""
MOST_LAYERS = 12
"""above the base; beyond, small ones are joined again"""
_AFTER_JOINING = 8
_HEADER_BYTES = 512


@dataclass(frozen=True)
class Candidate:
    """A layer of the previous image: how many of its `size` compressed bytes are still wanted."""

    index: int
    size: int
    live: int

    @property
    def dead(self) -> int:
        """Compressed bytes that nobody would see."""
        return self.size - self.live


def candidates(base: Root, wanted: Root, listings: Sequence[Listing], sizes: Sequence[int]) -> list[Candidate]:
    """Layers (their positions in `listings`) that hold something which is wanted above `base`.

    What several have counts for the topmost. Raises Unsupported for layers that engines disagree about.
    """
    found: list[Candidate] = []
    claimed: set[str] = set()
    for index in reversed(range(len(listings))):
        own: Root = {}
        apply_layer(own, listings[index])
        live = total = 0
        for path, node in own.items():
            if node.kind is Kind.DIRECTORY:
                continue
            weight = node.size + _HEADER_BYTES
            total += weight
            target, there = wanted.get(path), base.get(path)
            if target is None or path in claimed or target.key != node.key or (there and there.key == target.key):
                continue
            claimed.add(path)
            live += weight
        if live:
            found.append(Candidate(index, sizes[index], sizes[index] * live // total))
    return found[::-1]


def choose(found: Sequence[Candidate], total: int) -> list[int]:
    """The layers that stay, from the bottom, of an image of `total` compressed bytes.

    All do, unless too much of them is dead, or they are too many; then those go first of which least is fetched again.
    """
    kept = list(found)
    while kept and sum(one.dead for one in kept) > max(DEAD_BYTES, DEAD_SHARE * total):
        kept.remove(max(kept, key=lambda one: (one.dead / (one.live + 1), one.index)))
    if len(kept) > MOST_LAYERS:
        kept = sorted(kept, key=lambda one: (-one.live, one.index))[:_AFTER_JOINING]
    return sorted(one.index for one in kept)
