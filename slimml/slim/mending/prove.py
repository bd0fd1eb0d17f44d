"""Slims an image and does not let go of it before it answers as the original does: check, mend, rewrite, check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from slimml.errors import Refused, Unproven
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.progress import SILENT, Progress
from slimml.slim.assemble import labelled
from slimml.slim.mending.candidates import candidates_of
from slimml.slim.mending.evidence import symptom
from slimml.slim.mending.putting_back import read_removed
from slimml.slim.mending.search import find_needed
from slimml.slim.mending.trials import Trials, narrowed
from slimml.slim.optimize import carry_out
from slimml.slim.plan import Verb
from slimml.slim.planning import make_plan
from slimml.verify.verification import Verdict
from slimml.verify.verify import check_against, learn_baseline, reconsider

if TYPE_CHECKING:
    from slimml.bloat.finding import Finding
    from slimml.engine.container import Engine
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.probes.probe import Suite
    from slimml.slim.optimize import Slimmed
    from slimml.slim.plan import Kept, Plan
    from slimml.slim.replacing.offer import Offer
    from slimml.verify.verification import Baseline, Verification

REWRITES = 3
GENTLER_REWRITES = 2
"""more of them, in which contents were replaced by others instead of being kept"""
_NAMED = 1_000

Gentler = Callable[["Mapping[int, Offer]"], "Mapping[int, Offer]"]
"""called with smaller contents that a probe refused, by row: others that change less, for as many rows as have any"""


@dataclass(frozen=True)
class Proof:
    """How a slim image was shown to work. `rewrites` came after the first writing, `trials` ran it with files put back
    to find out what has to stay.
    """

    verification: Verification
    kept: tuple[Kept, ...]
    rewrites: int
    trials: int


@dataclass(frozen=True)
class Proving:
    """With what an image is proven: the engine, and what the original answered."""

    engine: Engine
    baseline: Baseline


def learn(engine: Engine, inventory: Inventory, suite: Suite, progress: Progress = SILENT) -> Proving:
    """Ask the original. Raises Unproven when it fails its own probes or has none, and what running it raises."""
    name = inventory.image.reference
    if not suite.probes:
        raise Unproven(f"{name}: there is no probe to prove anything with; {_WAY_OUT}")
    baseline = learn_baseline(engine, inventory.image, suite, progress=progress)
    for asked in baseline.rounds:
        if asked.failure is not None:
            raise Unproven(f"{name}: the original itself was never ready: {asked.failure}; {_WAY_OUT}")
        for answer in asked.answers:
            if not answer.good:
                said = answer.failure or "; ".join(answer.complaints)
                raise Unproven(f"{name}: the original itself fails its probe {answer.probe!r}: {said}; {_WAY_OUT}")
    return Proving(engine, baseline)


_WAY_OUT = "give it probes that it passes (--probes), or say --no-verify for a result that nobody checked"


def slim_proven(
    inventory: Inventory,
    findings: Sequence[Finding],
    plan: Plan,
    proving: Proving,
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
    remark: Callable[[str], None] = lambda text: None,
    gentler: Gentler | None = None,
) -> tuple[Slimmed, Proof]:
    """Carry out `plan`, and less of it until the result passes all probes; at most REWRITES writings after the first,
    and GENTLER_REWRITES that try what `gentler` gives instead of contents that a probe refused.

    `remark` is told of what failed and of what is kept. Raises Unproven where that does not succeed, Refused where
    nothing is left to gain, and what writing and running raise.
    """
    trials = rewrites = milder = 0
    while True:
        slimmed = _carry_out(inventory, plan, store, limits, progress)
        verification = check_against(proving.engine, proving.baseline, slimmed.image, progress)
        baseline, verification = reconsider(
            proving.engine, inventory.image, proving.baseline, verification, progress=progress
        )
        proving = replace(proving, baseline=baseline)
        if verification.verdict is Verdict.SAME:
            proof = Proof(verification, plan.kept, rewrites, trials)
            names = ", ".join(row.probe for row in verification.rows)
            told = {"verified": f"{len(verification.rows)} probes", "verified.probes": names[:_NAMED]}
            return _told(slimmed, store, told), proof
        if rewrites - milder == REWRITES:
            raise _not_mended(verification, f"{rewrites} rewrites did not mend it")
        remark(f"the slim image is not right yet: {symptom(verification)}")
        kept, made = _mend(inventory, slimmed, verification, proving, store, limits, progress)
        trials += made
        instead: Mapping[int, Offer] = {}
        if gentler is not None and milder < GENTLER_REWRITES:
            instead = gentler(_refused(slimmed.plan, kept))
            milder += bool(instead)
        changed = [{row for row in item.rows if slimmed.plan.verb[row] != Verb.KEEP} for item in kept]
        stays = []
        for item, rows in zip(kept, changed, strict=True):
            if rows and rows <= instead.keys():
                remark(f"changing less of {item.name}: {item.reason}")
            else:
                remark(f"keeping {item.name}: {item.reason}")
                stays.append(item)
        offers = {**plan.offers, **instead}
        plan = make_plan(inventory, findings, plan.options, (*plan.kept, *stays), plan.below, offers)
        rewrites += 1


def _refused(plan: Plan, kept: Sequence[Kept]) -> dict[int, Offer]:
    """The contents that the plan gave to rows which have to be as they were."""
    return {row: plan.offers[row] for item in kept for row in item.rows if plan.verb[row] == Verb.REPLACE}


def slim_unproven(
    inventory: Inventory,
    plan: Plan,
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Slimmed:
    """Carry out `plan` and let the result say that nobody checked it. Raises what `carry_out` raises."""
    return _told(carry_out(inventory, plan, store, limits=limits, progress=progress), store, {"verified": "no"})


def _told(slimmed: Slimmed, store: BlobStore, labels: dict[str, str]) -> Slimmed:
    """The result with labels that say whether it was verified. What ran has all the same files and settings."""
    return replace(slimmed, image=labelled(slimmed.image, store, labels))


def _carry_out(inventory: Inventory, plan: Plan, store: BlobStore, limits: Limits, progress: Progress) -> Slimmed:
    try:
        return carry_out(inventory, plan, store, limits=limits, progress=progress)
    except Refused as error:
        if not plan.kept:
            raise
        names = ", ".join(item.name for item in plan.kept)
        raise Refused(f"{error}; its probes need what could have gone: {names}") from None


def _mend(
    inventory: Inventory,
    slimmed: Slimmed,
    verification: Verification,
    proving: Proving,
    store: BlobStore,
    limits: Limits,
    progress: Progress,
) -> tuple[tuple[Kept, ...], int]:
    """What has to stay as well, and the number of trials that told; raises Unproven."""
    # The plan that was carried out may keep a file that the one asked for would have linked.
    candidates = candidates_of(inventory, slimmed.plan)
    if not candidates.rows:
        raise _not_mended(verification, "and nothing that a container could notice was changed")
    rows = [row for own in candidates.rows.values() for row in own]
    put_back = read_removed(inventory, rows, store, limits=limits, progress=progress)
    made = 0
    with proving.engine.prepare(slimmed.image, progress) as prepared, progress.task("finding out what has to stay"):
        # The probes that failed may pass by themselves, and fail only after the others.
        for baseline in (narrowed(proving.baseline, verification), proving.baseline):
            trials = Trials(proving.engine, prepared, baseline, candidates, put_back)
            needed = find_needed(candidates, trials.check, verification)
            made += trials.count
            if needed is not None and needed.kept:
                return needed.kept, made
    if needed is None:
        raise _not_mended(verification, "and putting back all that was removed did not help")
    raise _not_mended(verification, "but not each time; name what varies as `ignore` in its probes")


def _not_mended(verification: Verification, why: str) -> Unproven:
    return Unproven(
        f"{verification.original}: the slim image does not answer as the original does, {why}; nothing was written. "
        f"{_capital(symptom(verification))}. Try --level safe, or --keep what it needs"
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
