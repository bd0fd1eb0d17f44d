"""The picture of models' candidates: compressed bytes against the time of a run; what no other beats is joined."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.errors import AccessDenied, Unsupported, UsageError
from slimml.models.candidates.candidate import ORIGINAL
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from slimml.report.shrunk import ModelRows, Row

WIDTH, HEIGHT, DOTS = 6.6, 4.4, 130
"""inches of one model's part, and dots per inch"""
ACROSS = 2
"""models beside each other"""
_FORMATS = (".png", ".svg")
_COLORS = {"right": "#2b8a3e", "not judged": "#2b8a3e", "refused": "#c92a2a"}


def draw_shrunk(models: Sequence[ModelRows], path: Path) -> None:
    """Write the picture to `path`, SVG or PNG by its suffix, a part for each model that was timed.

    Raises UsageError for another suffix or nothing to draw, Unsupported without matplotlib, AccessDenied.
    """
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(f"--picture {path}: the name should end in {' or '.join(_FORMATS)}")
    timed = [model for model in models if model.candidates[0].latency_seconds]
    if not timed:
        raise UsageError("--picture: no model was timed; there is nothing to draw")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise Unsupported("pictures need matplotlib: pip install 'slimml[charts]'") from None
    across = min(ACROSS, len(timed))
    down = -(-len(timed) // across)
    with rc_context({"svg.hashsalt": "slimml", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(WIDTH * across, HEIGHT * down), dpi=DOTS, layout="constrained")
        panes = figure.subplots(down, across, squeeze=False).ravel()
        for pane in panes[len(timed) :]:
            pane.set_axis_off()
        for pane, model in zip(panes, timed, strict=False):
            _draw_model(pane, model)
        figure.supxlabel("compressed bytes, of the original's", fontsize=10)
        figure.supylabel("processor time of a run, of the original's (log)", fontsize=10)
        metadata: dict[str, Any] = {"Date": None} if path.suffix.lower() == ".svg" else {}
        try:
            figure.savefig(path, metadata=metadata)
        except OSError as error:
            raise AccessDenied(f"{path}: {error.strerror}") from None


def _draw_model(pane: Axes, model: ModelRows) -> None:
    original = model.candidates[0]
    rows = [row for row in model.candidates if row.latency_seconds is not None]
    pane.set_title(visible(Path(model.path).name), loc="left", fontsize=10, fontweight="bold")
    pane.axvline(1, color="#dddddd", zorder=0)
    pane.axhline(1, color="#dddddd", zorder=0)
    _join(pane, [row for row in rows if row.on_front], original)
    spots = sorted((*_spot(row, original), row.name, row) for row in rows)
    pane.set_yscale("log")
    highest, lowest = max(up for _, up, _, _ in spots), min(up for _, up, _, _ in spots)
    pane.set_ylim(min(0.8, lowest / 1.3), max(1.35, highest * 1.5))
    pane.set_xlim(0, 1.12)
    for across, up, _, row in spots:
        mark = "*" if row.taken else "x" if row.verdict == "refused" else "o"
        pane.scatter([across], [up], s=90 if row.taken else 42, marker=mark, color=_color(row), zorder=3)
    _name(pane, [(across, up, row) for across, up, _, row in spots])
    pane.yaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    pane.yaxis.set_minor_formatter(lambda value, _: f"{value:.1f}×" if round(value * 10) % 5 == 0 else "")
    pane.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    for side in ("top", "right"):
        pane.spines[side].set_visible(False)


def _name(pane: Axes, spots: Sequence[tuple[float, float, Row]]) -> None:
    """Write each name above its spot, or as far above it as no other name or spot is; sizes in points, about."""
    low, high = pane.get_ylim()
    tall = HEIGHT * 72 * 0.8 / math.log(high / low)
    wide = WIDTH * 72 * 0.88 / pane.get_xlim()[1]
    taken = [(across * wide - 4, math.log(up / low) * tall - 4, across * wide + 4) for across, up, _ in spots]
    for across, up, row in spots:
        length, right = 4.6 * len(row.name), across > 0.8
        left = across * wide - (length + 5 if right else -5)
        foot = math.log(up / low) * tall
        above = 6.0
        while any(left < end and begin < left + length and abs(foot + above - at) < 10 for begin, at, end in taken):
            above += 2
        taken.append((left, foot + above, left + length))
        pane.annotate(
            row.name, (across, up), xytext=(-5 if right else 5, above), textcoords="offset points",
            fontsize=8, color=_color(row), ha="right" if right else "left", va="bottom",
        )  # fmt: skip


def _color(row: Row) -> str:
    return "#555555" if row.name == ORIGINAL else _COLORS[row.verdict]


def _join(pane: Axes, best: Sequence[Row], original: Row) -> None:
    """The front in two of its three dimensions: what lies above its line is there for its load time."""
    spots = sorted(_spot(row, original) for row in best)
    lowest: list[tuple[float, float]] = []
    for spot in spots:
        if not lowest or spot[1] < lowest[-1][1]:
            lowest.append(spot)
    if len(lowest) > 1:
        pane.plot(*zip(*lowest, strict=True), color="#2b8a3e", alpha=0.4, linewidth=1, zorder=1)


def _spot(row: Row, original: Row) -> tuple[float, float]:
    assert row.compressed_bytes is not None
    assert original.compressed_bytes
    ratio = 1.0 if row.name == ORIGINAL or row.latency_ratio is None else row.latency_ratio
    return row.compressed_bytes / original.compressed_bytes, ratio
