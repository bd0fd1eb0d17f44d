"""The cache of the Hugging Face hub: broken downloads, and blobs that are kept twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.detectors.duplicates import identical_files
from slimml.bloat.finding import Action, Proposal, Risk
from slimml.bloat.links import linked_from_outside
from slimml.bloat.path_facts import path_facts

if TYPE_CHECKING:
    from slimml.bloat.path_facts import Mask
    from slimml.inventory.table import Inventory

_REPOSITORIES = ("models--", "datasets--", "spaces--")


def hub_cache(inventory: Inventory) -> Iterator[Proposal]:
    """A hub cache is REPOSITORY/blobs/DIGEST, and links to it in REPOSITORY/snapshots/REVISION."""
    facts = path_facts(inventory)
    partial = facts.files & facts.suffixed("incomplete") & (facts.beneath_named("blobs", "download"))
    yield Proposal(
        "hub-partial-downloads",
        "Broken downloads of the Hugging Face hub",
        Risk.SAFE,
        Action.DROP,
        np.flatnonzero(partial),
        "Download again without interruption, or end the RUN with && find / -name '*.incomplete' -delete.",
        "no snapshot refers to them",
    )
    blobs = facts.files & ~partial & facts.beneath_positions(_blob_directories(inventory))
    if not blobs.any():
        return
    twice = _with_copies(inventory, blobs)
    linked = np.zeros_like(blobs)
    linked[linked_from_outside(inventory, np.flatnonzero(blobs))] = True
    yield Proposal(
        "hub-blobs-unused",
        "Hub cache blobs whose snapshots hold a copy instead of a link",
        Risk.LIKELY,
        Action.DROP,
        np.flatnonzero(twice & ~linked),
        "Copy the hub cache with cp -a (COPY keeps links, too), or use snapshot_download(local_dir=…) without a cache.",
        "the hub's library opens the snapshot's file; nothing links to the blob",
    )
    if (twice & linked).any():
        yield Proposal(
            "hub-blobs-copied",
            "Models both in the hub cache and copied elsewhere",
            Risk.ASK,
            Action.TELL,
            np.flatnonzero(twice & linked),
            "Keep one: point the program at the cache (HF_HOME, HF_HUB_OFFLINE=1), or download with local_dir=… and "
            "delete the cache in the same RUN.",
            "the same content lies in the image twice",
        )


def _blob_directories(inventory: Inventory) -> list[int]:
    facts = path_facts(inventory)
    return [
        position
        for position in facts.directories_named("blobs")
        if f"/{facts.directories[position]}".split("/")[-2].startswith(_REPOSITORIES)
    ]


def _with_copies(inventory: Inventory, blobs: Mask) -> Mask:
    """Blobs whose content a live file that is no blob has too."""
    rows, groups = identical_files(inventory)
    elsewhere = np.isin(groups, groups[~blobs[rows]])
    twice = np.zeros_like(blobs)
    twice[rows[elsewhere & blobs[rows]]] = True
    return twice
