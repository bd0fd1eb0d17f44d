"""A picture of an image: areas are bytes on disk, by layer and owner, with what could go of each painted in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.bloat.finding import Risk
from slimml.errors import AccessDenied, Unsupported, UsageError
from slimml.report.areas import Block, OwnerArea, layout
from slimml.report.sizes import share, size
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from slimml.report.analysis import AnalysisReport, LayerReport

WIDTH, HEIGHT, DOTS = 15.0, 9.6, 120
"""inches and dots per inch of the picture"""

_KEPT = {
    "dpkg": "#c9d6e8",
    "apk": "#c9d6e8",
    "rpm": "#c9d6e8",
    "python": "#cfe3cf",
    "conda": "#d9e8c4",
    "npm": "#e8e0c4",
    "application": "#ded3ea",
    "unknown": "#dddddd",
}
_GOES = {Risk.SAFE: "#ef6548", Risk.LIKELY: "#fdae6b", Risk.ASK: "#fee6c0"}
_SAYS = {
    Risk.SAFE: "could go, safe",
    Risk.LIKELY: "could go, likely unused",
    Risk.ASK: "could go, ask the owner",
}
_FORMATS = (".png", ".svg")


@dataclass(frozen=True)
class _Picture:
    axes: Axes
    report: AnalysisReport


def draw(report: AnalysisReport, areas: Sequence[OwnerArea], path: Path) -> None:
    """Write the picture to `path`, SVG or PNG by its suffix.

    Raises UsageError for another suffix, Unsupported without matplotlib, AccessDenied when the file cannot be written.
    """
    if path.suffix.lower() not in _FORMATS:
        raise UsageError(f"--picture {path}: the name should end in {' or '.join(_FORMATS)}")
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise Unsupported("pictures need matplotlib: pip install 'slimml[charts]'") from None
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DOTS, facecolor="white")
    _head(figure.add_axes((0.012, 0.865, 0.976, 0.125)), report, areas)
    _map(figure.add_axes((0.012, 0.015, 0.976, 0.835)), report, areas)
    metadata = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
    try:
        # Without a date and with a salt of ours two runs write the same bytes.
        with rc_context({"svg.hashsalt": "slimml"}):
            figure.savefig(path, metadata=metadata)
    except OSError as error:
        raise AccessDenied(f"{path} cannot be written: {error.strerror}") from None


def _head(axes: Axes, report: AnalysisReport, areas: Sequence[OwnerArea]) -> None:
    """Title, a bar of what stays and what could go, and the legend that explains the colours of the map."""
    image = report.image
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    axes.text(0, 0.98, visible(image.reference), fontsize=17, fontweight="bold", va="top", parse_math=False)
    approximately = "about " if image.compressed_estimated else ""
    facts = f"{size(image.disk_bytes)} on disk · {approximately}{size(image.compressed_bytes)} compressed"
    axes.text(1, 0.98, facts, fontsize=13, ha="right", va="top", color="#333333")
    left = 0.0
    whole = max(1, image.disk_bytes)
    going = [(one.total.disk_bytes, _GOES[one.risk], _SAYS[one.risk]) for one in report.reclaimable]
    staying = image.disk_bytes - sum(part[0] for part in going)
    for amount, color, words in [(staying, "#dfe5ec", "stays"), *going]:
        width = amount / whole
        axes.barh(0.47, width, left=left, height=0.26, color=color, edgecolor="white")
        label = f"{words}  {size(amount)}  {share(amount, whole)}"
        if width > 0.0085 * len(label) * 0.75:
            axes.text(left + width / 2, 0.47, label, ha="center", va="center", fontsize=9.5, color="#222222")
        left += width
    _legend(axes, report, areas)


def _legend(axes: Axes, report: AnalysisReport, areas: Sequence[OwnerArea]) -> None:
    from matplotlib.patches import Patch

    systems = list(dict.fromkeys(area.system for area in sorted(areas, key=lambda a: a.system)))
    patches = [Patch(facecolor=_KEPT[system], label=f"{system}: stays") for system in systems if system in _KEPT]
    patches += [
        Patch(facecolor=_GOES[one.risk], label=f"{_SAYS[one.risk]}: {size(one.total.disk_bytes)}")
        for one in report.reclaimable
    ]
    axes.legend(
        handles=patches,
        loc="lower left",
        bbox_to_anchor=(-0.006, -0.14),
        ncols=len(patches),
        frameon=False,
        fontsize=9.5,
        handlelength=1.2,
        columnspacing=1.4,
        borderaxespad=0.2,
    )


def _map(axes: Axes, report: AnalysisReport, areas: Sequence[OwnerArea]) -> None:
    axes.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axes.axis("off")
    picture = _Picture(axes, report)
    for layer_block, owners in layout(areas, WIDTH, HEIGHT):
        for block, area in owners:
            _paint(picture, block, area)
        _frame(picture, layer_block, report.layers[owners[0][1].layer])


def _paint(picture: _Picture, block: Block, area: OwnerArea) -> None:
    """An owner's area: what stays in its system's colour, below it what could go, to scale."""
    bottom = block.y
    for color, amount in _strips(area):
        height = block.height * amount / area.total
        _rectangle(picture.axes, Block(block.x, bottom, block.width, height), facecolor=color)
        bottom += height
    _rectangle(picture.axes, block, fill=False, edgecolor="white", linewidth=0.8)
    _write(picture.axes, block, [visible(area.name), size(area.total)], 8.5, top=False)


def _strips(area: OwnerArea) -> Iterator[tuple[str, float]]:
    for risk in Risk:
        if area.going.get(risk):
            yield _GOES[risk], area.going[risk]
    yield _KEPT.get(area.system, "#dddddd"), area.total - sum(area.going.values())


def _frame(picture: _Picture, block: Block, layer: LayerReport) -> None:
    """A layer's border and its caption, in the room that the layout left above its owners."""
    _rectangle(picture.axes, block, fill=False, edgecolor="#222222", linewidth=1.6)
    words = f"layer {layer.index} · {size(layer.total.disk_bytes)} · {visible(layer.command)}"
    if block.caption:
        band = Block(block.x, block.y + block.height - block.caption, block.width, block.caption)
        _rectangle(picture.axes, band, facecolor="#222222")
        _write(picture.axes, band, [words], 8.5, top=True, color="white", cut=True)


def _rectangle(axes: Axes, block: Block, **style: Any) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((block.x, block.y), block.width, block.height, **style))


def _write(
    axes: Axes, block: Block, lines: list[str], points: float, *, top: bool, color: str = "#222222", cut: bool = False
) -> None:
    """Words into a block, as many lines as fit; nothing where they would spill over, unless they may be `cut`."""
    line_height, letter = points * 1.3 / 72 * 1.15, points * 0.56 / 72
    room = int((block.width - 0.08) / letter)
    fitting = [line if len(line) <= room else f"{line[: room - 1]}…" for line in lines]
    if not cut and (room < 4 or len(lines[0]) > 1.6 * room):
        return
    fitting = fitting[: max(0, int(block.height / line_height))] if not top else fitting
    if fitting and room > 1:
        axes.text(
            block.x + 0.05,
            block.y + block.height - (0.02 if top else 0.05),
            "\n".join(fitting),
            fontsize=points,
            va="top",
            color=color,
            clip_on=True,
            parse_math=False,
            linespacing=1.15,
        )
