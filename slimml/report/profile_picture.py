"""The picture of a profiled start: what it was at from moment to moment, a row for each phase, cold above warm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.errors import AccessDenied, Unsupported, UsageError
from slimml.startup import timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from slimml.startup.profile import StartProfile

_WIDTH, _LEFT, _RIGHT = 11.0, 1.75, 1.35
_ROW, _HEAD, _TITLE, _AXIS = 0.3, 0.85, 0.45, 0.5
_DOTS = 160
_FORMATS = (".svg", ".png")
_INK, _FAINT = "#1a1a1a", "#5f6b73"
# Okabe and Ito's colours, as in the pictures of bench: phases of one kind have one colour.
_COLORS = {
    timeline.CREATE: "#B8C4CC",
    timeline.START: "#B8C4CC",
    timeline.PROCESS: "#B8C4CC",
    timeline.ENTRYPOINT: "#56B4E9",
    timeline.INTERPRETER: "#56B4E9",
    timeline.WATCHING: "#DDDDDD",
    timeline.IMPORTS: "#E69F00",
    timeline.COMPILING: "#D55E00",
    timeline.MODEL: "#0072B2",
    timeline.NAMES: "#CC79A7",
    timeline.NETWORK: "#CC79A7",
    timeline.SLEEP: "#CC79A7",
    timeline.CHILDREN: "#CC79A7",
    timeline.FIRST_INFERENCE: "#009E73",
    timeline.INFERENCE: "#009E73",
    timeline.SEEN: "#B8C4CC",
    timeline.ANSWERING: "#009E73",
    timeline.UNEXPLAINED: "#8C8C8C",
}


def draw_profile(image: str, profiles: Sequence[StartProfile], path: Path) -> None:
    """Write the waterfall to `path`, SVG or PNG by its suffix; each start has a scale of its own.

    Raises UsageError for another suffix or nothing to draw, Unsupported without matplotlib, AccessDenied.
    """
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(f"{path}: the name of a picture should end in {' or '.join(_FORMATS)}")
    drawn = [one for one in profiles if one.segments]
    if not drawn:
        raise UsageError(f"{path}: there is nothing to draw")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise Unsupported("pictures need matplotlib: pip install 'slimml[charts]'") from None
    height = _HEAD + sum(_height(one) for one in drawn) + 0.1
    with rc_context({"svg.hashsalt": "slimml", "svg.fonttype": "none"}):
        figure = Figure(figsize=(_WIDTH, height), dpi=_DOTS, facecolor="white")
        _text(figure, 0.25, height - 0.36, height, "From exec to the first answer", size=17, weight="bold")
        _text(figure, 0.25, height - 0.64, height, image, size=10.5, color=_FAINT)
        top = height - _HEAD
        for one in drawn:
            _draw(figure, height, top, one)
            top -= _height(one)
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
        try:
            figure.savefig(path, metadata=metadata)
        except OSError as error:
            raise AccessDenied(f"{path} cannot be written: {error.strerror}") from None


def _height(profile: StartProfile) -> float:
    return _TITLE + _ROW * len(profile.phases) + _AXIS


def _draw(figure: Figure, height: float, top: float, profile: StartProfile) -> None:
    how = "cold page cache" if profile.cold else "warm page cache"
    failed = f"  (failed: {profile.start.failure})" if profile.start.failure else ""
    title = f"{how}: {_seconds(profile.start.seconds)}{failed}"
    _text(figure, 0.25, top - 0.25, height, title, size=12.5, weight="bold")
    tall = _ROW * len(profile.phases)
    wide = _WIDTH - _LEFT - _RIGHT
    axes = figure.add_axes((_LEFT / _WIDTH, (top - _TITLE - tall) / height, wide / _WIDTH, tall / height))
    axes.set(xlim=(0, profile.start.seconds), ylim=(len(profile.phases) - 0.5, -0.5), yticks=[])
    axes.tick_params(axis="x", labelsize=8.5, colors=_FAINT, length=3)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} s")
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("#bbbbbb")
    rows = {phase.name: place for place, phase in enumerate(profile.phases)}
    for place, phase in enumerate(profile.phases):
        beside = f"{_seconds(phase.seconds)}  {100 * phase.share:.0f} %"
        _label(axes, profile.start.seconds, place, phase.name, beside)
    for name, place in rows.items():
        began = profile.start.began
        bars = [(one.begin - began, one.seconds) for one in profile.segments if one.label == name]
        color = _COLORS.get(name, "#F0E442")
        # Without the line of its own colour a stretch of a millisecond would not be seen.
        axes.broken_barh(bars, (place - 0.36, 0.72), facecolors=color, edgecolor=color, linewidth=0.4)


def _label(axes: Axes, end: float, place: int, name: str, beside: str) -> None:
    axes.text(-0.012 * end, place, name, ha="right", va="center", fontsize=9.5, color=_INK, parse_math=False)
    axes.text(1.01 * end, place, beside, ha="left", va="center", fontsize=9, color=_FAINT, parse_math=False)


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 0.0995 else f"{value:.2f} s"


def _text(
    figure: Figure, x: float, y: float, height: float, words: str, *, size: float, color: str = _INK,
    weight: str = "normal",
) -> None:  # fmt: skip
    """Words at a place given in inches from the lower left."""
    figure.text(x / _WIDTH, y / height, words, fontsize=size, color=color, fontweight=weight, parse_math=False)
