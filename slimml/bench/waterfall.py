"""A picture of waiting: for each image the phases from pull to first answer as one bar, before above after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.errors import AccessDenied, Unsupported, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, DOTS = 13.0, 120
"""inches, and dots per inch"""

_FORMATS = (".png", ".svg")
_HEAD, _FOOT, _BAR, _TITLE, _AXIS = 1.15, 0.42, 0.52, 0.36, 0.56
"""inches of the picture's parts: its head and foot, a bar, an image's title, an image's scale"""
_LEFT, _RIGHT = 1.75, 3.1
"""inches beside the bars, for their names and for their totals"""
_GAP, _LETTER = 0.12, 0.058
"""inches between a bar and what stands beside it, and those that a small letter of it takes"""
_INK, _FAINT = "#222222", "#666666"

# Okabe and Ito's colours, which people with any kind of colour blindness tell apart; neighbours differ in lightness
# too, so that the picture survives a grey printer.
_COLORS = {
    "pull": ("#0072B2", "white"),
    "create": ("#B8C4CC", _INK),
    "start": ("#56B4E9", _INK),
    "ready": ("#E69F00", _INK),
    "first answer": ("#D55E00", "white"),
    "exit": ("#009E73", "white"),
}
_SAYS = {
    "pull": "pull: download and unpack",
    "create": "create the container",
    "start": "start its program",
    "ready": "until it is ready: imports, model",
    "first answer": "first right answer",
    "exit": "until the job is done",
}
_OTHER = ("#CC79A7", _INK)


@dataclass(frozen=True)
class Bar:
    """One image's way: `phases` are seconds by name, in order; `low` and `high` the interval of their sum,
    which is not drawn where both are the same.

    Names known here have a colour and an explanation of their own: pull, create, start, ready, first answer, exit.
    """

    label: str
    phases: Mapping[str, float]
    low: float
    high: float

    @property
    def total(self) -> float:
        """All phases together, in seconds."""
        return sum(self.phases.values())


@dataclass(frozen=True)
class Group:
    """Bars to be compared, the first with the others. `remark` stands beside the title (the ratio, say)."""

    title: str
    bars: tuple[Bar, ...]
    remark: str = ""


@dataclass(frozen=True)
class Words:
    """What stands around the bars: `title` in large letters, `subtitle` what was measured, `footnote` where."""

    title: str
    subtitle: str
    footnote: str


def draw_waterfall(groups: Sequence[Group], words: Words, path: Path) -> None:
    """Write the picture to `path`, SVG or PNG by its suffix. Each group has a scale of its own, from 0 seconds.

    Raises UsageError for another suffix or nothing to draw, Unsupported without matplotlib, AccessDenied when the file
    cannot be written.
    """
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(f"{path}: the name of a picture should end in {' or '.join(_FORMATS)}")
    if not any(group.bars for group in groups):
        raise UsageError(f"{path}: there is nothing to draw")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise Unsupported("pictures need matplotlib: pip install 'slimml[charts]'") from None
    height = _HEAD + _FOOT + sum(_height(group) for group in groups)
    # Letters of an SVG stay letters; without a date and with a salt of ours two runs write the same bytes.
    with rc_context({"svg.hashsalt": "slimml", "svg.fonttype": "none"}):
        figure = Figure(figsize=(WIDTH, height), dpi=DOTS, facecolor="white")
        _head(figure, height, words, _phases_of(groups))
        top = height - _HEAD
        for group in groups:
            _draw_group(figure, height, top, group)
            top -= _height(group)
        _text(figure, 0.25, 0.2, height, words.footnote, size=8.5, color=_FAINT)
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
        try:
            figure.savefig(path, metadata=metadata)
        except OSError as error:
            raise AccessDenied(f"{path} cannot be written: {error.strerror}") from None


def _height(group: Group) -> float:
    return _TITLE + _BAR * len(group.bars) + _AXIS


def _phases_of(groups: Sequence[Group]) -> list[str]:
    """The phases that occur, each once, in the order in which they happen."""
    return list(dict.fromkeys(phase for group in groups for bar in group.bars for phase in bar.phases))


def _head(figure: Figure, height: float, words: Words, phases: Iterable[str]) -> None:
    """Title, what was measured, and the colours explained in the order in which they happen."""
    from matplotlib.patches import Patch

    _text(figure, 0.25, height - 0.36, height, words.title, size=17, weight="bold")
    _text(figure, 0.25, height - 0.64, height, words.subtitle, size=10.5, color=_FAINT)
    patches = [Patch(facecolor=_color(phase)[0], label=_SAYS.get(phase, phase)) for phase in phases]
    figure.legend(
        handles=patches,
        loc="upper left",
        bbox_to_anchor=(0.25 / WIDTH, (height - 0.74) / height),
        ncols=len(patches),
        frameon=False,
        fontsize=9.5,
        handlelength=1.1,
        handleheight=1.0,
        columnspacing=1.5,
        handletextpad=0.5,
        borderaxespad=0,
        borderpad=0,
    )


def _draw_group(figure: Figure, height: float, top: float, group: Group) -> None:
    """An image: its title, its bars on one scale, and what each comes to."""
    _text(figure, 0.25, top - 0.2, height, group.title, size=12.5, weight="bold")
    _text(figure, WIDTH - 0.25, top - 0.2, height, group.remark, size=11, align="right", weight="bold")
    tall = _BAR * len(group.bars)
    scale = max(max(bar.high, bar.total) for bar in group.bars) or 1.0
    inches = min(WIDTH - _LEFT - _RIGHT, *(_room(bar, scale) for bar in group.bars))
    axes = figure.add_axes((_LEFT / WIDTH, (top - _TITLE - tall) / height, inches / WIDTH, tall / height))
    axes.set(xlim=(0, scale), ylim=(len(group.bars) - 0.5, -0.5), yticks=[])
    axes.tick_params(axis="x", labelsize=8.5, colors=_FAINT, length=3)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g} s")
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("#bbbbbb")
    for place, bar in enumerate(group.bars):
        _draw_bar(axes, place, bar, scale / inches)


def _room(bar: Bar, scale: float) -> float:
    """How many inches the scale may take, so that what stands beside the bar is not cut off."""
    beside = WIDTH - _LEFT - 0.15 - _GAP - _LETTER * len(_told_beside(bar, scale / (WIDTH - _LEFT - _RIGHT)))
    return max(2.0, beside * scale / max(bar.high, bar.total, scale / 10))


def _fits(seconds: float, per_inch: float) -> bool:
    """Whether a part of a bar is wide enough for its label."""
    return seconds / per_inch > 0.085 * len(_seconds(seconds)) + 0.1


def _told_beside(bar: Bar, per_inch: float) -> str:
    """The phases whose parts are too narrow for a label."""
    narrow = [f"{phase} {_seconds(s)}" for phase, s in bar.phases.items() if not _fits(s, per_inch)]
    return " · ".join(narrow)


def _draw_bar(axes: Axes, place: int, bar: Bar, per_inch: float) -> None:
    """One bar. What is too narrow for its label is told beside the bar, under the total."""
    left = 0.0
    for phase, seconds in bar.phases.items():
        color, ink = _color(phase)
        axes.barh(place, seconds, left=left, height=0.66, color=color, edgecolor="white", linewidth=0.8)
        if _fits(seconds, per_inch):
            label = _seconds(seconds)
            axes.text(left + seconds / 2, place, label, ha="center", va="center", fontsize=9.5, color=ink)
        left += seconds
    narrow = _told_beside(bar, per_inch)
    if bar.low < bar.high:
        _draw_interval(axes, place + 0.42, bar)
    axes.text(-0.1 * per_inch, place, bar.label, ha="right", va="center", fontsize=10.5, color=_INK, parse_math=False)
    words = _seconds(bar.total) + (f" ({_number(bar.low)}–{_number(bar.high)})" if bar.low < bar.high else "")
    beside = max(left, bar.high) + _GAP * per_inch
    up = 0.16 if narrow else 0.0
    axes.text(beside, place - up, words, ha="left", va="center", fontsize=10.5, fontweight="bold", color=_INK)
    if narrow:
        axes.text(beside, place + 0.2, narrow, ha="left", va="center", fontsize=8, color=_FAINT)


def _draw_interval(axes: Axes, under: float, bar: Bar) -> None:
    """Below the bar's end, where it hides no phase."""
    axes.plot([bar.low, bar.high], [under, under], color=_INK, linewidth=1.1, solid_capstyle="butt", clip_on=False)
    for end in (bar.low, bar.high):
        axes.plot([end, end], [under - 0.05, under + 0.05], color=_INK, linewidth=1.1, clip_on=False)


def _color(phase: str) -> tuple[str, str]:
    return _COLORS.get(phase, _OTHER)


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 0.0995 else f"{_number(value)} s"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def _text(
    figure: Figure,
    x: float,
    y: float,
    height: float,
    words: str,
    *,
    size: float,
    color: str = _INK,
    weight: str = "normal",
    align: str = "left",
) -> None:
    """Words at a place given in inches from the lower left."""
    figure.text(x / WIDTH, y / height, words, fontsize=size, color=color, fontweight=weight, ha=align, parse_math=False)
