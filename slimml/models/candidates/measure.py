"""Bytes and seconds of the forms of a model, in rounds in which all take turns, each in a fresh process."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slimml.models.candidates.candidate import Measured
from slimml.models.candidates.processes import Failed, ask

ZSTD_LEVEL = 9
"""between what builders use (3) and what pays once for files that are pulled often (19)"""
PIECE = 1 << 20


def sizes(files: Sequence[Path]) -> tuple[int, int]:
    """The bytes of the files, and of the zstd frames that they become."""
    return sum(file.stat().st_size for file in files), sum(compressed_size(file) for file in files)


def compressed_size(path: Path, level: int = ZSTD_LEVEL) -> int:
    """The bytes of one zstd frame of the file."""
    import zstandard

    squeezed = zstandard.ZstdCompressor(level=level).compressobj()
    count = 0
    with path.open("rb") as stream:
        while piece := stream.read(PIECE):
            count += len(squeezed.compress(piece))
    return count + len(squeezed.flush())


def measure(
    models: dict[str, Path], files: dict[str, list[Path]], sample: Path | None, rounds: int, place: Path
) -> dict[str, Measured | str]:
    """By name: what was measured, or why it could not be; the first of `models` is the original.

    Every round runs all in turn, and every other round backwards, so that a slow minute meets all of them.
    """
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in models}
    failed: dict[str, str] = {}
    beside = str(next(iter(models.values())))
    for number in range(rounds):
        order = list(models) if number % 2 == 0 else list(models)[::-1]
        for name in order:
            if name in failed:
                continue
            try:
                taken[name].append(
                    ask(
                        "measure", place, model=str(models[name]), beside=beside, sample=str(sample) if sample else None
                    )
                )
            except Failed as why:
                failed[name] = str(why)
    first = taken[next(iter(models))]
    return {name: failed.get(name) or _summed(files[name], taken[name], first) for name in models}


def _summed(files: Sequence[Path], own: list[dict[str, Any]], original: list[dict[str, Any]]) -> Measured:
    size, compressed = sizes(files)
    if not own:
        return Measured(size, compressed)
    return Measured(
        size,
        compressed,
        load=_median(own, "load"),
        latency=_median(own, "latency"),
        peak=int(statistics.median(one["peak"] for one in own)),
        load_ratio=_ratio(own, original),
        latency_ratio=_median(own, "latency_ratio"),
    )


def _median(rounds: list[dict[str, Any]], what: str) -> float | None:
    values = [one[what] for one in rounds if one[what] is not None]
    return statistics.median(values) if values else None


def _ratio(own: list[dict[str, Any]], original: list[dict[str, Any]]) -> float | None:
    """The median over rounds; within a round the two loads were one after the other."""
    pairs = [after["load"] / before["load"] for before, after in zip(original, own, strict=False) if before["load"]]
    return statistics.median(pairs) if pairs else None
