"""From a failed verification to what has to be kept: clues first, trial by trial, then halving over what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.slim.mending.evidence import clues_in, lines_of, symptom, texts_of
from slimml.slim.mending.suspects import Suspects
from slimml.verify.culprits import find_culprits
from slimml.verify.verification import Verdict

if TYPE_CHECKING:
    from slimml.slim.mending.candidates import Candidates, Unit
    from slimml.slim.plan import Kept
    from slimml.verify.verification import Verification

Check = Callable[[frozenset["Unit"]], "Verification"]
"""what the slim image answers with these units put back"""

TRIALS = 60
_SECONDS = 600.0
_CHASES = 12
_LIGHT_BYTES = 64 << 10
_LIGHT_SHARE = 2_000
_FEW = 40
_PARTS = 12


@dataclass(frozen=True)
class Needed:
    """What has to stay. `smallest` says that nothing of it can be left out, as far as trials told."""

    kept: tuple[Kept, ...]
    smallest: bool


def find_needed(candidates: Candidates, check: Check, failed: Verification, *, most: int = TRIALS) -> Needed | None:
    """What of the candidates has to stay for the probes to pass; None when not even all of them help.

    `failed` is what the slim image answered. Raises what `check` raises.
    """
    suspects, sufficient = _chase(candidates, check, failed)
    found = find_culprits(
        candidates.rows,
        lambda kept: check(kept).verdict is Verdict.SAME,
        suspects=suspects,
        trail=candidates.trail,
        weight=candidates.weight,
        enough=0 if sufficient and len(suspects) <= _FEW else _light(candidates),
        most=most,
        seconds=_SECONDS,
    )
    if found.needed is None:
        return None
    needed, kept = found.needed, []
    for part in candidates.parts(needed, _PARTS):
        without = check(needed - part)
        if without.verdict is Verdict.SAME:  # a search that ended early has not asked this
            needed -= part
        else:
            kept.append(candidates.kept(candidates.with_neighbours(part), symptom(without)))
    return Needed(tuple(kept), found.smallest)


def _light(candidates: Candidates) -> int:
    """To tell neighbours of so many bytes apart is not worth the trials; that they stay does no harm."""
    total = sum(candidates.weight(unit) for unit in candidates.rows)
    return max(_LIGHT_BYTES, total // _LIGHT_SHARE)


def _chase(candidates: Candidates, check: Check, failed: Verification) -> tuple[list[Unit], bool]:
    """Units that the errors point to, the surest first: what they name, what they are about, what lies beside that.

    The second value tells whether they suffice.

    One missing file hides the next, so that each trial's own errors are followed as well.
    """
    suspects = Suspects(candidates)
    found: dict[Unit, None] = {}
    verification = failed
    for _ in range(_CHASES):
        clues = list(clues_in(lines_of(texts_of(verification))))
        for fresh in (suspects.named(clues), suspects.thought_of(clues), suspects.beside(found)):
            added = [unit for unit in fresh if unit not in found]
            if added:
                break
        else:
            break
        found |= dict.fromkeys(added)
        verification = check(frozenset(found))
        if verification.verdict is Verdict.SAME:
            return list(found), True
    return list(found), False
