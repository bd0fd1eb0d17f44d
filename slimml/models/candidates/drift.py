"""How far a candidate's answers on real inputs lie from the original's, said in the terms of what the answers are.

Four kinds of outputs are told apart by the original's values: distributions over classes (the decision is the largest),
sequences of such (the decision is the decoded text), gates (independent values from 0 to 1, the decision is their side
of one half), and vectors (embeddings, logits: direction, and the largest value where it stands out). Integers must stay
what they are. The cosine of a healthy sequence model can be near 0 on single steps, so sequences go by what they decode
to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

STANDS_OUT = 0.1
"""of the range of a vector: the largest value's distance to the next from which on it is taken for a decision"""
SWAPPED_ROWS = 8
SWAPPED_COLUMNS = 2048
_TINY = 1e-12


class Kind(StrEnum):
    """What an output's values mean."""

    CLASSES = "classes"
    SEQUENCE = "sequence"
    GATES = "gates"
    VECTOR = "vector"
    WHOLE = "whole numbers"


@dataclass(frozen=True)
class Drift:
    """One output over all samples: the share of equal decisions (None where nothing was decided), the median and the
    least cosine (None for whole numbers), whether a value is no number, and classes that changed places.
    """

    name: str
    kind: Kind
    agreement: float | None
    cosine: float | None
    least: float | None
    broken: bool = False
    swapped: tuple[tuple[int, int], ...] = ()


def drifts(before: Path, after: Path) -> list[Drift]:
    """Every output of the samples' answers in two directories (NNNNN.npz each)."""
    import numpy as np

    old: dict[str, list[Array]] = {}
    new: dict[str, list[Array]] = {}
    for path in sorted(before.glob("*.npz")):
        with np.load(path, allow_pickle=False) as first, np.load(after / path.name, allow_pickle=False) as second:
            for name in first.files:
                old.setdefault(name, []).append(first[name])
                new.setdefault(name, []).append(second[name] if name in second.files else np.empty(0))
    return [drift(name, old[name], new[name]) for name in old]


def drift(name: str, old: Sequence[Array], new: Sequence[Array]) -> Drift:
    """One output: the original's arrays and the candidate's, sample by sample."""
    import numpy as np

    kind = kind_of(old)
    if any(a.shape != b.shape for a, b in zip(old, new, strict=True)):
        return Drift(name, kind, 0.0, None, None, broken=True)
    if kind is Kind.WHOLE:
        same = [np.equal(a, b) for a, b in zip(old, new, strict=True)]
        return Drift(name, kind, _mean(np.concatenate([one.ravel() for one in same])), None, None)
    if any(not np.isfinite(b[np.isfinite(a)]).all() for a, b in zip(old, new, strict=True)):
        return Drift(name, kind, 0.0, None, None, broken=True)
    pairs = [(_rows(a, kind), _rows(b, kind)) for a, b in zip(old, new, strict=True)]
    cosines = np.concatenate([_cosines(a, b) for a, b in pairs])
    if kind is Kind.SEQUENCE:
        agreement = _decoded_agreement(old, new)
    else:
        agreement = _mean(np.concatenate([_decisions(a, b, kind) for a, b in pairs]))
    swapped = _swapped(pairs) if kind in (Kind.CLASSES, Kind.VECTOR) else ()
    return Drift(name, kind, agreement, float(np.median(cosines)), float(cosines.min()), swapped=swapped)


def kind_of(arrays: Sequence[Array]) -> Kind:
    """What the original's values say they are."""
    import numpy as np

    first = arrays[0]
    if first.dtype.kind not in "fc":
        return Kind.WHOLE
    within = all(bool(((a >= 0) & (a <= 1 + 1e-4)).all()) for a in arrays)
    if within and first.ndim >= 2 and first.shape[-1] >= 2:
        sums = np.concatenate([a.sum(axis=-1).ravel() for a in arrays])
        if len(sums) and bool((np.abs(sums - 1) < 1e-2).all()):
            return Kind.SEQUENCE if first.ndim >= 3 and first.shape[-2] >= 2 else Kind.CLASSES
    return Kind.GATES if within else Kind.VECTOR


def _rows(array: Array, kind: Kind) -> Array:
    """As a matrix of rows that each mean something; gates of one sample go together."""
    import numpy as np

    flat = array.astype(np.float64)
    if kind is Kind.GATES or flat.ndim < 2:
        return flat.reshape(1, -1)
    return flat.reshape(-1, flat.shape[-1])


def _cosines(old: Array, new: Array) -> Array:
    import numpy as np

    sizes = np.linalg.norm(old, axis=1) * np.linalg.norm(new, axis=1)
    both_zero = (np.linalg.norm(old, axis=1) < _TINY) & (np.linalg.norm(new, axis=1) < _TINY)
    found: Array = np.where(both_zero, 1.0, (old * new).sum(axis=1) / np.maximum(sizes, _TINY))
    return found


def _decisions(old: Array, new: Array, kind: Kind) -> Array:
    """For each decision that the original takes, whether the candidate takes it, too."""
    import numpy as np

    if kind is Kind.GATES:
        found: Array = ((old > 0.5) == (new > 0.5)).ravel()
        return found
    same: Array = old.argmax(axis=1) == new.argmax(axis=1)
    if kind is Kind.VECTOR:
        if old.shape[1] < 2:
            return np.empty(0, dtype=bool)
        top = np.partition(old, -2, axis=1)
        same = same[(top[:, -1] - top[:, -2]) > STANDS_OUT * (old.max(axis=1) - old.min(axis=1))]
    return same


def _decoded_agreement(old: Sequence[Array], new: Sequence[Array]) -> float | None:
    """1 − edits / length over all samples, of the steps' classes without repeats and the commonest, the blank."""
    import numpy as np

    first, second = [_steps(a) for a in old], [_steps(a) for a in new]
    blank = int(np.bincount(np.concatenate(first)).argmax())
    edits = length = 0
    for a, b in zip(first, second, strict=True):
        text, other = _collapsed(a, blank), _collapsed(b, blank)
        edits += edit_distance(text, other)
        length += max(len(text), len(other))
    return 1 - edits / length if length else None


def _steps(array: Array) -> Array:
    found: Array = array.reshape(-1, array.shape[-1]).argmax(axis=1)
    return found


def _collapsed(steps: Array, blank: int) -> list[int]:
    return [
        int(step) for number, step in enumerate(steps) if step != blank and (not number or steps[number - 1] != step)
    ]


def edit_distance(first: Sequence[int], second: Sequence[int]) -> int:
    """Insertions, deletions and substitutions that make one the other (Levenshtein 1966)."""
    row = list(range(len(second) + 1))
    for number, item in enumerate(first, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(second, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (item != other))
    return row[-1]


def _swapped(pairs: Sequence[tuple[Array, Array]]) -> tuple[tuple[int, int], ...]:
    """Columns of the candidate that follow another column of the original over the samples, and not their own.

    Two classes that changed places show even where no sample is of either.
    """
    import numpy as np

    if len({a.shape[1] for a, _ in pairs}) != 1:
        return ()
    old, new = np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])
    if len(old) < SWAPPED_ROWS or not 2 <= old.shape[1] <= SWAPPED_COLUMNS:
        return ()
    if (old >= 0).all():
        old, new = np.log(old + 1e-9), np.log(np.maximum(new, 0) + 1e-9)
    own = _standard(old)
    matches = own.T @ _standard(new)
    best = matches.argmax(axis=0)
    wrong = np.flatnonzero((np.diag(matches) < 0.5) & (matches.max(axis=0) > 0.95) & (own.any(axis=0)))
    # A column that merely resembles its neighbour is no swap: the neighbour has to have gone the other way.
    return tuple((int(column), int(best[column])) for column in wrong if best[best[column]] == column < best[column])


def _standard(values: Array) -> Array:
    import numpy as np

    centred = values - values.mean(axis=0)
    sizes = np.linalg.norm(centred, axis=0)
    found: Array = np.where(sizes > _TINY, centred / np.maximum(sizes, _TINY), 0.0)
    return found


def _mean(values: Array) -> float | None:
    return float(values.mean()) if len(values) else None
