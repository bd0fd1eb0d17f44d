"""Charts of trends: size, pull and cold start, a panel each; every kind of host has a column of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.errors import AccessDenied, Unsupported, UsageError
from slimml.history.chart_axis import Axis, axis_of
from slimml.history.chart_words import amount, drawable, label_of, short_commit
from slimml.history.trends import Change, Line, Trend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg")
MOST_LINES = 6
"""columns in one picture"""
WIDTH, HEIGHT, DOTS = 6.4, 2.55, 110
"""inches of one panel, and dots per inch"""

_HEAD = 0.55
"""inches above the panels, for the names of the lines"""
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
_WORSE, _BETTER, _BUDGET, _TEXT = "#D55E00", "#00734f", "#555555", "#222222"
"""of Okabe and Ito (2008), who chose them for every kind of colour vision; worse and better differ in shape as well"""
_LINE_STYLES = ("-", "--", "-.", ":")
_CUT = 1.7
"""times the highest level: what is above is drawn at the edge, or one bad night would flatten all the others"""
_ROOM, _ROOM_FOR_WORDS = 1.12, 1.42
"""times the highest level: the height of a panel without and with changes to write down"""
_WORD_ROWS = (0.985, 0.885, 0.785)
"""heights of the labels of changes, as shares of the panel"""
_LETTER = 0.0113
"""width of a letter of such a label, as a share of the panel"""


@dataclass(frozen=True)
class Panel:
    """A panel: its title, the metrics in it (patterns), at most so many lines."""

    title: str
    patterns: tuple[str, ...]


PANELS = (
    Panel("Size", ("size/disk_bytes", "size/compressed_bytes", "size/compressed_estimate")),
    Panel("Cold pull", ("pull/*/seconds",)),
    Panel("Cold start", ("start/dropped/seconds", "start/evicted/seconds", "start/[de]*/cpu_seconds")),
)


def draw_trends(trends: Sequence[Trend], path: Path, *, budgets: Mapping[str, float] | None = None) -> None:
    """Write the chart to `path`, PNG or SVG by its suffix: for each line a column with the panels it has data for.

    `budgets` are what may not be exceeded, by pattern of metrics (`pull/*/seconds`) in their unit. Raises UsageError
    for another suffix, nothing to draw or more than MOST_LINES lines, Unsupported without matplotlib, AccessDenied.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"--picture {path}: the name should end in {' or '.join(FORMATS)}")
    columns = _columns(trends)
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise Unsupported("pictures need matplotlib: pip install 'slimml[charts]'") from None
    panels = [panel for panel in PANELS if any(_drawn(panel, own) for own in columns.values())]
    with rc_context({"svg.hashsalt": "slimml", "svg.fonttype": "none", "font.size": 9}):
        size = (WIDTH * len(columns) + 0.2, HEIGHT * len(panels) + 0.2 + _HEAD)
        figure = Figure(figsize=size, dpi=DOTS, facecolor="white", layout="constrained")
        # What is written over panels must not push them together: only axes and titles take part in the layout.
        layout: Any = figure.get_layout_engine()
        layout.set(rect=(0, 0, 1, 1 - _HEAD / size[1]))
        grid = figure.subplots(len(panels), len(columns), squeeze=False)
        for column, (line, own) in enumerate(columns.items()):
            axis = axis_of(own)
            for row, panel in enumerate(panels):
                pane = grid[row][column]
                _draw_panel(pane, panel, _drawn(panel, own), axis, budgets or {})
            _head(grid[0][column], line)
        metadata: dict[str, Any] = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
        try:
            figure.savefig(path, metadata=metadata)
        except OSError as error:
            raise AccessDenied(f"{path} cannot be written: {error.strerror}") from None


def _columns(trends: Sequence[Trend]) -> dict[Line, list[Trend]]:
    """What can be drawn of each line; raises UsageError for nothing or too much."""
    columns: dict[Line, list[Trend]] = {}
    for trend in trends:
        if any(fnmatchcase(trend.metric.name, pattern) for panel in PANELS for pattern in panel.patterns):
            columns.setdefault(trend.line, []).append(trend)
    if not columns:
        raise UsageError("--picture: there is neither a size nor a pull nor a start to draw")
    if len(columns) > MOST_LINES:
        raise UsageError(
            f"--picture: {len(columns)} lines of images and hosts are too many for one picture ({MOST_LINES}); "
            "choose by IMAGE, --host, --engine or --suite"
        )
    return columns


def _drawn(panel: Panel, trends: Sequence[Trend]) -> list[Trend]:
    """Those of a panel, in the order of its patterns."""
    return [trend for pattern in panel.patterns for trend in trends if fnmatchcase(trend.metric.name, pattern)][
        : len(_COLORS)
    ]


def _head(pane: Axes, line: Line) -> None:
    words = drawable(f"{line.host} · {line.engine}" + (f" · suite {line.suite}" if line.suite else ""))
    pane.annotate(
        drawable(line.image), (0, 1), xytext=(0, 34), xycoords="axes fraction", textcoords="offset points",
        fontsize=13, fontweight="bold", color=_TEXT, parse_math=False, annotation_clip=False,
    ).set_in_layout(False)  # fmt: skip
    pane.annotate(
        words, (0, 1), xytext=(0, 21), xycoords="axes fraction", textcoords="offset points",
        fontsize=8.5, color="#666666", parse_math=False, annotation_clip=False,
    ).set_in_layout(False)  # fmt: skip


def _draw_panel(pane: Axes, panel: Panel, trends: Sequence[Trend], axis: Axis, budgets: Mapping[str, float]) -> None:
    from matplotlib.ticker import MaxNLocator

    pane.set_title(panel.title, loc="left", fontsize=10, fontweight="bold", color=_TEXT)
    for side in ("top", "right"):
        pane.spines[side].set_visible(False)
    if not trends:
        pane.text(0.5, 0.5, "not measured", transform=pane.transAxes, ha="center", color="#888888")
        pane.set_xticks([])
        pane.set_yticks([])
        return
    top = _top(trends, budgets)
    for number, trend in enumerate(trends):
        _draw_trend(pane, trend, axis, top, _COLORS[number], _LINE_STYLES[number % len(_LINE_STYLES)])
    _draw_bad_nights(pane, trends, axis, top)
    _draw_budgets(pane, trends, budgets, top)
    _draw_changes(pane, trends, axis)
    unit = trends[0].metric.unit
    words = any(trend.changes or max(point.value for point in trend.points) > top for trend in trends)
    pane.set_ylim(0, top * (_ROOM_FOR_WORDS if words else _ROOM))
    ticks = MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(0, top)
    pane.set_yticks([tick for tick in ticks if tick <= top * 1.05])
    pane.yaxis.set_major_formatter(lambda value, _: amount(value, unit))
    pane.grid(axis="y", color="#eeeeee", zorder=0)
    pane.set_axisbelow(True)
    axis.mark(pane)
    if len(trends) > 1 or trends[0].metric.unit == "seconds":
        pane.legend(
            loc="lower right", bbox_to_anchor=(1.01, 0.985), ncols=len(trends), frameon=False, fontsize=8,
            handlelength=2.2, columnspacing=1.2, borderaxespad=0.1,
        )  # fmt: skip


def _top(trends: Sequence[Trend], budgets: Mapping[str, float]) -> float:
    """The highest value that is drawn where it is."""
    levels = max(level.value for trend in trends for level in trend.levels)
    highest = max(point.high or point.value for trend in trends for point in trend.points)
    allowed = [budget for trend in trends if (budget := _budget(trend, budgets)) is not None]
    # A budget far above all values would press them to the floor; it is told in words then.
    near = [budget for budget in allowed if budget <= _CUT * levels]
    return max(min(highest, _CUT * levels), *near, levels) or 1.0


def _budget(trend: Trend, budgets: Mapping[str, float]) -> float | None:
    found = [budget for pattern, budget in budgets.items() if fnmatchcase(trend.metric.name, pattern)]
    return min(found) if found else None


def _draw_trend(pane: Axes, trend: Trend, axis: Axis, top: float, color: str, style: str) -> None:
    """The nights as dots with their intervals as a band, and the levels as a line through them."""
    spots = [axis.place(point) for point in trend.points]
    values = [point.value for point in trend.points]
    lows = [point.value if point.low is None else point.low for point in trend.points]
    highs = [point.value if point.high is None else point.high for point in trend.points]
    inside = [min(value, top) for value in values]
    if lows != highs:
        highs = [min(high, max(top, 1.08 * here)) for high, here in zip(highs, inside, strict=True)]
        pane.fill_between(spots, lows, highs, where=[value <= top for value in values],
                          color=color, alpha=0.18, linewidth=0, zorder=1)  # fmt: skip
    dots = 3.2 if len(spots) <= 60 else 1.6
    pane.plot(spots, inside, color=color, alpha=0.55, linewidth=0.7, marker="o", markersize=dots, zorder=2)
    for number, level in enumerate(trend.levels):
        ends = [spots[level.begin], spots[level.end - 1]]
        label = drawable(label_of(trend.metric.name)) if number == 0 else None
        pane.plot(ends, [level.value] * 2, color=color, linewidth=2, linestyle=style, label=label, zorder=3)


def _draw_bad_nights(pane: Axes, trends: Sequence[Trend], axis: Axis, top: float) -> None:
    """Write what the highest value of a night is that is above the panel."""
    worst: dict[float, float] = {}
    for trend in trends:
        for point in trend.points:
            if point.value > top:
                spot = axis.place(point)
                worst[spot] = max(point.value, worst.get(spot, 0.0))
    for spot, value in worst.items():
        pane.annotate(
            f"↑ {amount(value, trends[0].metric.unit)}", (spot, top), xytext=(0, 3), textcoords="offset points",
            fontsize=7, color=_TEXT, ha="center",
        ).set_in_layout(False)  # fmt: skip


def _draw_budgets(pane: Axes, trends: Sequence[Trend], budgets: Mapping[str, float], top: float) -> None:
    shown: dict[float, Trend] = {}
    for trend in trends:
        budget = _budget(trend, budgets)
        if budget is not None:
            shown.setdefault(budget, trend)
    for budget, trend in shown.items():
        words = f"budget {amount(budget, trend.metric.unit)}"
        if budget > top:
            pane.text(
                0.995, 0.02, f"{words}, far above", transform=pane.transAxes, ha="right", va="bottom",
                fontsize=7.5, color=_BUDGET,
            ).set_in_layout(False)  # fmt: skip
            continue
        pane.axhline(budget, color=_BUDGET, linewidth=1.1, linestyle=(0, (6, 3)), zorder=2)
        # On the side where the line that it is for is not.
        above = trend.levels[-1].value < budget
        pane.annotate(
            words, (1, budget), xycoords=("axes fraction", "data"),
            xytext=(-2, 2 if above else -3), textcoords="offset points", ha="right", va="bottom" if above else "top",
            fontsize=7.5, color=_BUDGET,
        ).set_in_layout(False)  # fmt: skip


def _draw_changes(pane: Axes, trends: Sequence[Trend], axis: Axis) -> None:
    """A line down from each change, and over it how much and by which commit, where no other label is."""
    found: dict[float, list[Change]] = {}
    for trend in trends:
        for change in trend.changes:
            found.setdefault(axis.place(trend.points[change.at]), []).append(change)
    ends = [-1.0] * len(_WORD_ROWS)
    for spot in sorted(found):
        changes = found[spot]
        worse = any(change.worse for change in changes)
        words = f"{'▲' if worse else '▼'} {_shares(changes)}  {drawable(short_commit(changes[0].commits[1]))}"
        width, share = _LETTER * len(words), axis.share(spot)
        left = max(0.0, min(share + 0.01, 1.0 - width))
        row = next((row for row, end in enumerate(ends) if end <= left), ends.index(min(ends)))
        ends[row] = left + width
        color = _WORSE if worse else _BETTER
        pane.axvline(spot, ymax=_WORD_ROWS[row] - 0.09, color=color, linewidth=1.1, zorder=2)
        pane.text(
            left, _WORD_ROWS[row], words, transform=pane.transAxes, ha="left", va="top",
            fontsize=7.5, color=color, fontweight="bold", parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8}, zorder=4,
        ).set_in_layout(False)  # fmt: skip


def _shares(changes: Sequence[Change]) -> str:
    """How much each of the panel's figures changed, those that agree told once."""
    words = [f"{change.share:+.0%}" if change.share is not None else "from 0" for change in changes]
    return ", ".join(dict.fromkeys(word.replace("%", " %").replace("-", "−") for word in words))
