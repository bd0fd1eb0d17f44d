"""The picture of models' candidates: compressed bytes against the time of a run; what no other beats is joined."""

from __future__ import annotations

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
    spots = sorted(((*_spot(row, original), row) for row in rows), key=lambda spot: (spot[0], spot[1]))
    for number, (across, up, row) in enumerate(spots):
        color = "#555555" if row.name == ORIGINAL else _COLORS[row.verdict]
        pane.scatter([across], [up], s=90 if row.taken else 42, marker="*" if row.taken else "x" if
                     row.verdict == "refused" else "o", color=color, zorder=3)  # fmt: skip
        pane.annotate(
            row.name, (across, up), xytext=(5, 7 + 11 * _crowd(spots, number)), textcoords="offset points",
            fontsize=8, color=color, ha="right" if across > 0.8 else "left",
        )  # fmt: skip
    pane.set_yscale("log")
    highest = max(up for _, up, _ in spots)
    lowest = min(up for _, up, _ in spots)
    pane.set_ylim(min(0.8, lowest / 1.3), max(1.35, highest * 1.5))
    pane.set_xlim(0, 1.12)
    pane.yaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    pane.yaxis.set_minor_formatter(lambda value, _: f"{value:.1f}×" if round(value * 10) % 5 == 0 else "")
    pane.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    for side in ("top", "right"):
        pane.spines[side].set_visible(False)


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


def _crowd(spots: Sequence[tuple[float, float, Row]], number: int) -> int:
    """How many labels before this one lie where its own would."""
    across, up, _ = spots[number]
    return sum(
        abs(other[0] - across) < 0.2 and 0.87 < other[1] / up < 1.15 and (other[0] > 0.8) == (across > 0.8)
        for other in spots[:number]
    )
