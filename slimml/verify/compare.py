"""Two answers held together: status, headers that matter, contents by what they mean. docs/verify.md has the rules."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from slimml.verify.anatomy import part_name, take_apart
from slimml.verify.equality import ABSENT, Misfit
from slimml.verify.fitting import misfits
from slimml.verify.noise import Known, learn_answers
from slimml.verify.verification import Difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slimml.probes.answer import Answer
    from slimml.probes.probe import Compare

TOLD = 50
"""differences of one answer that are told"""


def compare(known: Known, slim: Answer) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """The differences of an answer to what is known of the original's, and those that do not count (standard error)."""
    value = take_apart(slim, known.rule)
    found = list(islice(_by_kind(misfits(known.shape, value, known.rules)), TOLD))
    counting: list[Difference] = []
    remarks: list[Difference] = []
    for misfit in found:
        difference = Difference(
            part_name(misfit.where, http=known.http), misfit.original, misfit.found, varying=misfit.varying
        )
        counts = misfit.where[:1] != ("stderr",) or known.rule.stderr
        (counting if counts else remarks).append(difference)
    return tuple(counting), tuple(remarks)


def compare_answers(original: Answer, other: Answer, rule: Compare, *, http: bool = True) -> tuple[Difference, ...]:
    """The differences of two answers, nothing being known of what varies by itself."""
    known = learn_answers([original], rule, http=http, learnt_at=0, elapsed=0)
    return compare(known, other)[0]


def _by_kind(found: Iterable[Misfit]) -> Iterator[Misfit]:
    """The misfits, where a content became one of another kind told as one: `json …` and `text …`."""
    waiting: dict[tuple[str | int, ...], Misfit] = {}
    for misfit in found:
        if not _is_content(misfit.where) or ABSENT not in (misfit.original, misfit.found):
            yield misfit
            continue
        owner = misfit.where[:-1]
        other = waiting.pop(owner, None)
        if other is None:
            waiting[owner] = misfit
            continue
        old, new = (misfit, other) if misfit.found == ABSENT else (other, misfit)
        yield Misfit(owner, f"{old.where[-1]} {old.original}".strip(), f"{new.where[-1]} {new.found}".strip())
    yield from waiting.values()


def _is_content(where: tuple[str | int, ...]) -> bool:
    """Whether a place is that of a content's kind."""
    return (len(where) == 2 and where[0] in ("body", "stderr")) or (len(where) == 3 and where[0] == "files")
