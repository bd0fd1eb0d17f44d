"""What shrinkers offer for an image's files, before anything is written: so that a plan's numbers are exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from slimml.oci.digest import Digest
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.progress import SILENT, Progress
from slimml.slim.plan import Why
from slimml.slim.planning import staying_rows, uneditable_rows
from slimml.slim.replacing.offer import Offer, Smaller
from slimml.slim.replacing.remembered import Remembered
from slimml.slim.replacing.taking import replaceable
from slimml.slim.replacing.work import work_on

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
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
    worked = work_on(
        inventory, wishes, place, remembered, title="making files smaller", limits=limits, progress=progress
    )
    taken: dict[int, Offer] = {}
    left: dict[str, Mapping[str, str]] = {}
    for row, (digest, result, target) in sorted(worked.items()):
        if result.left:
            left[f"/{inventory.paths[row]}"] = result.left
        if result.did:
            content = Smaller(
                path=target,
                size=result.size,
                sha256=Digest(f"sha256:{result.sha256}"),
                sha1=result.sha1,
                md5=result.md5,
                before=digest,
            )
            doing = [one for one in wishes[row] if one.rule in result.did]
            taken[row] = Offer(content, _why(doing), tuple(label for one in doing for label in one.labels))
    return Offers(taken, left)


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


def _why(doing: Sequence[Shrinker]) -> Why:
    """The reason for what these did together: it is told as the first one's."""
    first = doing[0]
    more = "".join(f"; also {one.rule}: {one.reason}" for one in doing[1:])
    return Why(first.rule, first.risk, f"{first.reason}{more}")
