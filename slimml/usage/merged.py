"""One recording of several: of other workloads, other runs or other hosts, of the same image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from slimml.errors import UsageError
from slimml.usage.recording import PARTIAL, Recording, Use
from slimml.usage.settled import joined

_T = TypeVar("_T")


def merge(recordings: Sequence[Recording]) -> Recording:
    """All that any of them used. The order is that of the first, then what each further one adds, after it in time.

    What one lost may be missing in all, so the whole is incomplete; but one that only saw a part by its nature is made
    up for by a complete one. Raises UsageError for recordings of different images, and for none.
    """
    if not recordings:
        raise UsageError("no recording was named")
    first, *others = recordings
    for other in others:
        if (other.image, other.diff_ids, other.platform) != (first.image, first.diff_ids, first.platform):
            raise UsageError(
                f"recordings of different images cannot be merged: {first.image} and {other.image}; record the one "
                "that is meant again"
            )
    lost = _once(words for one in recordings for words in one.lost)
    if any(one.complete for one in recordings):
        lost = tuple(words for words in lost if words not in PARTIAL)
    return replace(
        first,
        uses=_uses(recordings),
        seen=_once(seen for one in recordings for seen in one.seen),
        workloads=_once(workload for one in recordings for workload in one.workloads),
        lost=lost,
        syscalls=tuple(sorted({name for one in recordings for name in one.syscalls})),
        users=tuple(sorted({user for one in recordings for user in one.users})),
        hosts=_once(host for one in recordings for host in one.hosts),
    )


def _uses(recordings: Sequence[Recording]) -> tuple[Use, ...]:
    found: dict[str, Use] = {}
    begun = 0.0
    for recording in recordings:
        for use in recording.uses:
            known = found.get(use.path)
            later = replace(use, first=round(use.first + begun, 6), order=len(found))
            found[use.path] = later if known is None else joined(known, later)
        begun += max((use.first for use in recording.uses), default=0.0)
    return tuple(found.values())


def _once(values: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
