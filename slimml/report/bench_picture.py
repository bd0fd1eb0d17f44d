"""The picture of a benchmark: the way from pull to first answer, an image a bar, before above after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bench.results import Measure, Measurement
from slimml.bench.shaping import LOOPBACK
from slimml.bench.statistics import median, paired_ratio
from slimml.bench.waterfall import Bar, Group, Words, draw_waterfall
from slimml.report.sizes import size

if TYPE_CHECKING:
    from slimml.report.bench import BenchReport


def draw_bench(report: BenchReport, measured: Sequence[Measurement], path: Path) -> None:
    """Write the picture to `path`, SVG or PNG by its suffix: a group of bars for each link.

    Raises UsageError for another suffix or nothing to draw, Unsupported without matplotlib, AccessDenied.
    """
    good = _good(measured)
    links = {one.link for one in good if one.measure is Measure.PULL}
    groups = bench_groups(report, measured)
    host = report.run.host
    starts = any(one.measure is Measure.START for one in good)
    title = "From pull to first answer" if links and starts else "Cold pull" if links else "Cold start to first answer"
    words = Words(
        title=title,
        subtitle="medians; whiskers are 95 % bootstrap intervals of the whole",
        footnote=f"{host.cpu}, {host.cores} processors, {size(host.memory)} of memory, kernel {host.kernel}",
    )
    draw_waterfall(groups, words, path)


def bench_groups(report: BenchReport, measured: Sequence[Measurement]) -> tuple[Group, ...]:
    """A group of bars for each link, of starts alone one; a group without a bar where an image was not measured."""
    good = _good(measured)
    links = dict.fromkeys(one.link for one in good if one.measure is Measure.PULL)
    return tuple(_group(report, good, link) for link in links or [None])


def _good(measured: Sequence[Measurement]) -> list[Measurement]:
    return [one for one in measured if not one.warm_up and one.failure is None and one.phases]


def _group(report: BenchReport, good: Sequence[Measurement], link: str | None) -> Group:
    bars = []
    wholes: list[dict[int, float]] = []
    for image in report.images:
        own = [one for one in good if one.image == image]
        pulls = {one.round: one for one in own if one.measure is Measure.PULL and one.link == link}
        starts = {one.round: one for one in own if one.measure is Measure.START and one.page_cache != "warm"}
        rounds = sorted(set(pulls or starts) & set(starts or pulls))
        if not rounds:
            continue
        whole = {number: sum(part[number].seconds for part in (pulls, starts) if part) for number in rounds}
        between = median(list(whole.values()))
        phases = _phases([pulls[number] for number in rounds if pulls])
        phases |= _phases([starts[number] for number in rounds if starts])
        bars.append(Bar(_label(image.reference), phases, between.low, between.high))
        wholes.append(whole)
    if link is None:
        return Group("page cache cold", tuple(bars), _remark(wholes))
    title = f"pull over {link}" if link != LOOPBACK else "pull from this machine"
    return Group(title, tuple(bars), _remark(wholes))


def _phases(rows: Sequence[Measurement]) -> dict[str, float]:
    names = dict.fromkeys(name for one in rows for name in one.phases)
    return {name: median([one.phases.get(name, 0.0) for one in rows]).value for name in names}


def _label(reference: str) -> str:
    """The end of a name, which tells images of one application apart; of a path all that there is room for."""
    tail = reference if reference.startswith("/") else reference.rpartition("/")[2]
    return tail if len(tail) <= 20 else f"…{tail[-19:]}"


def _remark(wholes: Sequence[Mapping[int, float]]) -> str:
    """How much sooner the second of two images answers, by pairs of rounds."""
    if len(wholes) != 2:
        return ""
    both = sorted(set(wholes[0]) & set(wholes[1]))
    if not both:
        return ""
    ratio = paired_ratio([wholes[0][number] for number in both], [wholes[1][number] for number in both])
    return f"{ratio.value:.2f} of the time ({ratio.low:.2f}–{ratio.high:.2f})"
