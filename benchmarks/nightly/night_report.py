"""What a night leaves for people: a summary, charts, the pages of its images. Each replaces the old one whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from one_image import SLIM, SUITE, Night
from trends_page import trends_page

from slimml.history import store
from slimml.history.chart import FORMATS, draw_trends
from slimml.history.result import NO_ENGINE, Estimate, Result, middle
from slimml.history.trends import Change, Trend, trends
from slimml.report.markdown import code, plain, table
from slimml.report.sizes import size

NIGHTS = 4
"""for how many nights a regression is told: a step of what is measured is sure with the third"""
_SHOWN = frozenset({"size", "pull", "start"})


@dataclass(frozen=True)
class Regression:
    """A figure that gates and became worse."""

    trend: Trend
    change: Change


def write_report(output: Path, work: Path, night: Night, failures: Sequence[str]) -> list[Regression]:
    """Write summary, charts and pages into `output`; what became worse within the last nights, of figures that gate.

    Raises what reading the history raises, and OSError for a full disk: what was there before is as it was then.
    """
    history = output / "history"
    results = store.load(history, suite=SUITE) if history.is_dir() else []
    found = trends([one for one in results if one.host == night.host])
    worse = [
        Regression(trend, change) for trend in found for change in trend.recent(NIGHTS) if change.worse and change.gates
    ]
    made = work / "report"
    made.mkdir()
    for page in work.glob("*-made/*.html"):
        page.rename(made / page.name)
    draw(found, made)
    (made / "summary.md").write_text(summary(results, found, worse, night, failures), "utf-8")
    output.mkdir(parents=True, exist_ok=True)
    for file in sorted(made.iterdir()):
        put(file, output / file.name)
    return worse


def draw(found: Sequence[Trend], directory: Path) -> None:
    """A chart of each image, beside what was made of it, as PNG and SVG, and a page with all: of lines in which
    something was run.
    """
    images: dict[str, list[Trend]] = {}
    run = [trend for trend in found if trend.line.engine != NO_ENGINE]
    for trend in run:
        images.setdefault(trend.line.image.removesuffix(f", {SLIM}"), []).append(trend)
    (directory / "trends.html").write_bytes(trends_page("Nights", run))
    for name, own in images.items():
        for suffix in FORMATS:
            draw_trends(own, directory / f"{name}{suffix}")


def put(file: Path, target: Path) -> None:
    """Copy a file to another file system, if need be, and let it appear whole; raises OSError."""
    beside = target.with_name(f".{target.name}.new")
    try:
        beside.write_bytes(file.read_bytes())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def summary(
    results: Sequence[Result],
    found: Sequence[Trend],
    worse: Sequence[Regression],
    night: Night,
    failures: Sequence[str],
) -> str:
    """The Markdown of a night: what became worse, what failed, and the figures before and after optimizing."""
    count = len({(one.trend.line.image, one.trend.metric.name) for one in worse})
    told_worse = f"❌ {count} figures became worse" if worse else "✅ nothing became worse"
    lines = [
        f"## {'❌ not everything could be measured' if failures else told_worse}",
        "",
        f"Commit {code(night.commit[:12] or 'unknown')} on {plain(night.host)}, {night.began}.",
        "",
        *[f"- **not measured**: {plain(one)}" for one in failures],
    ]
    lines += [regression_table(worse), ""] if worse else [""]
    lines += [figures(one) for one in latest(results, night)]
    short = sum(trend.too_short for trend in found)
    if short:
        lines.append(f"{short} measured figures have fewer than 8 nights yet; nothing is said of their changes.\n")
    return "\n".join(lines)


def regression_table(worse: Sequence[Regression]) -> str:
    """A row for each figure that became worse, with the commits between which it did."""
    rows = []
    for one in worse:
        unit, change = one.trend.metric.unit, one.change
        share = f"{change.share:+.1%}" if change.share is not None else ""
        between = "…".join(code(commit[:12]) if commit else "unknown" for commit in change.commits)
        besides = f" ({plain('; '.join(change.besides))})" if change.besides else ""
        values = [told(change.before, unit), told(change.after, unit), share]
        rows.append([plain(one.trend.line.image), plain(one.trend.metric.name), *values, between + besides])
    return table(["Image", "Figure", ">Before", ">After", ">Change", "Commits"], rows)


def latest(results: Sequence[Result], night: Night) -> list[tuple[Result, Result]]:
    """The benchmarks of this night: of each image, and of what was made of it."""
    measured = {one.image: one for one in results if one.source == "bench" and one.began >= night.began}
    return [(one, measured[f"{name}, {SLIM}"]) for name, one in measured.items() if f"{name}, {SLIM}" in measured]


def figures(pair: tuple[Result, Result]) -> str:
    """Sizes and times of an image before and after."""
    before, after = pair
    wanted = ("disk_bytes", "compressed_bytes", "compressed_estimate", "cpu_seconds", "seconds", "peak_resident_bytes")
    rows = []
    for name in before.metrics:
        measure, _, figure = name.partition("/")
        if measure in _SHOWN and figure.rpartition("/")[2] in wanted and name in after.metrics:
            unit = "bytes" if name.endswith(("bytes", "estimate")) else "seconds"
            was, now = before.metrics[name], after.metrics[name]
            share = f"{middle(now) / middle(was) - 1:+.0%}" if middle(was) else ""
            rows.append([name, *(with_interval(value, unit) for value in (was, now)), share])
    chart = f"![{plain(before.image)}]({quote(before.image)}.png)"
    return f"### {plain(before.image)}\n\n{table(['', '>Before', '>After', '>'], rows)}\n{chart}\n"


def with_interval(value: int | float | Estimate, unit: str) -> str:
    """A number, and the ends of its interval if it has one."""
    if isinstance(value, Estimate) and value.rounds > 1:
        return f"{told(value.value, unit)} ({told(value.low, unit)} to {told(value.high, unit)})"
    return told(middle(value), unit)


def told(value: float, unit: str) -> str:
    """A number in its unit."""
    return size(int(value)) if unit == "bytes" else f"{value:.3f} s" if unit == "seconds" else f"{value:g}"
