"""Cuts what is to be laid out into layers of nearly the same compressed size, what changes seldom first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from slimml.slim.layout.classes import Class

MOST_LAYERS = 6
"""above the shared base: enough for three connections to be busy until the end, few enough to be asked for quickly"""
WORTH_A_LAYER = 8 << 20
"""compressed bytes that are worth a layer of their own: under them a request costs more than it gains"""
_WHOLE = 0.1
"""of a layer: owners up to that share of one are not divided"""
_PURE = 1.3
"""how much larger the largest layer may be for each layer to have one class only"""


@dataclass(frozen=True)
class Piece:
    """Paths that stay together, the names of one file at least. `size` is compressed bytes."""

    kind: Class
    owner: str
    paths: tuple[str, ...]
    size: int


@dataclass(frozen=True)
class Share:
    """What one layer gets."""

    title: str
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Compressed bytes, as estimated."""
        return sum(piece.size for piece in self.pieces)


def cut(pieces: Iterable[Piece], most: int = MOST_LAYERS) -> tuple[Share, ...]:
    """At most `most` layers, from the bottom. The application has one of its own, the last, if there is room for it.

    The same pieces, in any order, give the same layers.
    """
    found = sorted(pieces, key=lambda piece: (piece.kind, piece.owner, piece.paths))
    own = [piece for piece in found if piece.kind is Class.APPLICATION] if most > 1 else []
    bulk = found[: len(found) - len(own)]
    room = max(1, most - 1)
    pure = _by_class(bulk, room)
    mixed = _divide(bulk, min(room, max(1, sum(piece.size for piece in bulk) // WORTH_A_LAYER)))
    largest = max((share.size for share in mixed), default=0)
    chosen = pure if len(pure) <= room and max((share.size for share in pure), default=0) <= _PURE * largest else mixed
    return (*chosen, *([Share(Class.APPLICATION.words, tuple(own))] if own else ()))


def _by_class(bulk: Sequence[Piece], room: int) -> list[Share]:
    """A layer for each class, and more for the one whose layers are largest, as long as there is room."""
    classes = [list(own) for _, own in groupby(bulk, key=lambda piece: piece.kind)]
    sizes = [sum(piece.size for piece in own) for own in classes]
    counts = [1] * len(classes)
    while classes and sum(counts) < room:
        position = max(range(len(classes)), key=lambda it: sizes[it] / counts[it])
        if sizes[position] / (counts[position] + 1) < WORTH_A_LAYER:
            break
        counts[position] += 1
    return [share for own, count in zip(classes, counts, strict=True) for share in _divide(own, count)]


def _divide(pieces: Sequence[Piece], count: int) -> list[Share]:
    """The pieces in their order of classes and owners in `count` layers whose largest is as small as can be."""
    if not pieces:
        return []
    total = sum(piece.size for piece in pieces)
    ordered = _ordered(pieces, _WHOLE * total / count)
    low, high = max(total // count, *(size for size, _ in ordered)), total
    while low < high:
        middle = (low + high) // 2
        if len(_filled(ordered, middle)) <= count:
            high = middle
        else:
            low = middle + 1
    filled = _filled(ordered, low)
    return [Share(_title(own, position, len(filled)), own) for position, own in enumerate(filled)]


def _ordered(pieces: Sequence[Piece], whole: float) -> list[tuple[int, tuple[Piece, ...]]]:
    """What is not divided, with its size: by class, then the owners with most bytes first; of large ones the pieces."""
    found: list[tuple[int, tuple[Piece, ...]]] = []
    for _, own in groupby(pieces, key=lambda piece: piece.kind):
        owners = [tuple(group) for _, group in groupby(own, key=lambda piece: piece.owner)]
        sized = sorted(((sum(it.size for it in group), group) for group in owners), key=lambda it: -it[0])
        for size, group in sized:
            if size <= whole:
                found.append((size, group))
                continue
            by_size = sorted(group, key=lambda piece: -piece.size)
            large = [piece for piece in by_size if piece.size > whole / 8]
            found += [(piece.size, (piece,)) for piece in large]
            # The many small ones in the order of their paths, so that directories stay together.
            found += _runs([piece for piece in group if piece.size <= whole / 8], whole / 2)
    return found


def _runs(pieces: Sequence[Piece], size: float) -> list[tuple[int, tuple[Piece, ...]]]:
    found: list[tuple[int, tuple[Piece, ...]]] = []
    run: list[Piece] = []
    filled = 0
    for piece in pieces:
        run.append(piece)
        filled += piece.size
        if filled >= size:
            found.append((filled, tuple(run)))
            run, filled = [], 0
    return [*found, (filled, tuple(run))] if run else found


def _filled(ordered: Sequence[tuple[int, tuple[Piece, ...]]], capacity: int) -> list[tuple[Piece, ...]]:
    found: list[list[Piece]] = []
    left = -1
    for size, own in ordered:
        if size > left or not found:
            found.append([])
            left = capacity
        found[-1].extend(own)
        left -= size
    return [tuple(own) for own in found]


def _title(pieces: tuple[Piece, ...], position: int, count: int) -> str:
    kinds = sorted({piece.kind for piece in pieces})
    part = f" ({position + 1} of {count})" if count > 1 else ""
    return " + ".join(kind.words for kind in kinds) + part
