"""Slims and proves several planned images; what one turns out to need of a layer that others share is kept in all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from slimml.errors import Unproven
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.progress import SILENT, Progress
from slimml.slim.mending.prove import Proving, slim_proven, slim_unproven
from slimml.slim.shared import Member, shared_layers, shared_plans

if TYPE_CHECKING:
    from slimml.oci.blobs import BlobStore
    from slimml.slim.mending.prove import Proof
    from slimml.slim.optimize import Slimmed
    from slimml.slim.plan import Plan

_ROUNDS = 4


@dataclass(frozen=True)
class Made:
    """One result. `proof` is the reason where there is none."""

    slimmed: Slimmed
    proof: Proof | str


def slim_together(
    members: Sequence[Member],
    plans: Sequence[Plan],
    provings: Sequence[Proving | str],
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
    remark: Callable[[str], None] = lambda text: None,
) -> list[Made | None]:
    """Carry out the plans (`shared_plans`), and plan all anew where mending kept something of a shared layer.

    None stands for an image of which nothing goes. Raises Unproven where that does not come to an end, and what
    `slim_proven` raises.
    """
    members, plans = list(members), list(plans)
    made: list[Made | None] = [None] * len(members)
    waiting = list(range(len(members)))
    for _ in range(_ROUNDS):
        for position in waiting:
            member, plan, proving = members[position], plans[position], provings[position]
            made[position] = (
                None
                if plan.empty
                else (slim_one(member, plan, proving, store, limits=limits, progress=progress, remark=remark))
            )
        mended = [_with_kept(member, one) for member, one in zip(members, made, strict=True)]
        if not _changes_shared(members, mended):
            return made
        members = mended
        remark("what is needed lies in a layer that images share; all of them are planned again")
        again = shared_plans(members, plans[0].options)
        waiting = [
            position for position, plan in enumerate(again) if not _same(plan, _carried_out(plans, made, position))
        ]
        plans = again
    raise Unproven(f"the images do not come to rest after {_ROUNDS} rounds of mending; optimize them one by one")


def slim_one(
    member: Member,
    plan: Plan,
    proving: Proving | str,
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
    remark: Callable[[str], None] = lambda text: None,
) -> Made:
    """Carry out a plan and prove the result, unless `proving` is a reason not to; raises what `slim_proven` does."""
    inventory = member.inventory
    if isinstance(proving, str):
        return Made(slim_unproven(inventory, plan, store, limits=limits, progress=progress), proving)
    slimmed, proof = slim_proven(
        inventory,
        member.findings,
        plan,
        proving,
        store,
        limits=limits,
        progress=progress,
        remark=remark,
        gentler=member.gentler,
    )
    return Made(slimmed, proof)


def _with_kept(member: Member, made: Made | None) -> Member:
    return member if made is None else replace(member, kept=made.slimmed.plan.kept)


def _changes_shared(before: Sequence[Member], after: Sequence[Member]) -> bool:
    """Whether something new is kept in a layer that another image begins with as well."""
    for old, new, count in zip(before, after, shared_layers(before), strict=True):
        stop = int(new.inventory.starts[count])
        known = {row for item in old.kept for row in item.rows}
        if any(row < stop and row not in known for item in new.kept for row in item.rows):
            return True
    return False


def _carried_out(plans: Sequence[Plan], made: Sequence[Made | None], position: int) -> Plan:
    one = made[position]
    return plans[position] if one is None else one.slimmed.plan


def _same(plan: Plan, other: Plan) -> bool:
    return bool(
        np.array_equal(plan.verb, other.verb)
        and np.array_equal(plan.target, other.target)
        and plan.edits == other.edits
        and plan.parents == other.parents
    )
