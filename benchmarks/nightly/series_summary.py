"""What the planted series came to: a table of its commits, what was told, and charts, for people."""

from collections.abc import Sequence
from pathlib import Path

from planted import Made
from trends_page import trends_page
from verdict import Verdict

from slimml.history.chart import FORMATS, draw_trends
from slimml.history.metrics import Nature
from slimml.history.result import Estimate, Result, Value
from slimml.history.trends import Trend
from slimml.report.sizes import size

_COLUMNS = ("size/compressed_bytes", "pull/100mbit/seconds", "start/warm/cpu_seconds", "start/warm/seconds")
_TITLES = ("compressed", "pull, 100 Mbit/s", "processor time of a start", "warm start")
_COLD = ("start/dropped/seconds", "start/evicted/seconds")
_COLD_PROCESSOR = ("start/dropped/cpu_seconds", "start/evicted/cpu_seconds")


def write_summary(
    made: Sequence[Made], results: Sequence[Result], trends: Sequence[Trend], verdict: Verdict, output: Path
) -> None:
    """Write `summary.md` and trends as charts and as a page into `output`, each whole or not at all."""
    output.mkdir(parents=True, exist_ok=True)
    for suffix in FORMATS:
        beside = output / f".trends{suffix}"
        draw_trends(trends, beside)
        beside.replace(output / f"trends{suffix}")
    beside = output / ".trends.html"
    beside.write_bytes(trends_page("A planted series", trends))
    beside.replace(output / "trends.html")
    lines = [
        "# A planted series",
        "",
        f"`python benchmarks/nightly/series.py` on {results[0].host}, {results[0].engine}, {results[0].began[:10]}: "
        f"{len(made)} commits,",
        "each image built and measured, rounds interleaved over all of them; medians, with 95 % intervals of times.",
        "Figures that gate (bytes, processor time, memory) have to change at the planted commits and at no other; wall",
        "time is shown.",
        "",
        "![trends](trends.png)",
        "",
        *_table(made, results),
        "",
        f"**{_in_words(verdict)}**",
        "",
        "| told | commit | was | became | |",
        "|---|---|---:|---:|---|",
    ]
    for one in verdict.found:
        at = made[one.change.at]
        unit = next(trend.metric.unit for trend in trends if trend.metric.name == one.metric)
        values = " | ".join(_number(value, unit) for value in (one.change.before, one.change.after))
        lines.append(
            f"| {one.metric} | `{at.id[:12]}` {at.commit.message} | {values} | {'' if one.gates else 'wall time'} |"
        )
    quiet = [trend for trend in trends if not trend.changes and trend.noise is not None]
    lines += ["", f"Noise of the series as a share of its level: {_noises(trends)}.", ""]
    lines += [f"Without a change: {', '.join(trend.metric.name for trend in quiet)}.", ""] if quiet else []
    beside = output / ".summary.md"
    beside.write_text("\n".join(lines), "utf-8")
    beside.replace(output / "summary.md")


def _table(made: Sequence[Made], results: Sequence[Result]) -> list[str]:
    there = [name for name in (*_COLUMNS, *_COLD_PROCESSOR, *_COLD) if name in results[0].metrics]
    titles = dict(zip(_COLUMNS, _TITLES, strict=True)) | dict.fromkeys(_COLD, "cold start")
    titles |= dict.fromkeys(_COLD_PROCESSOR, "processor time of a cold start")
    rows = [
        f"| | commit | {' | '.join(titles[name] for name in there)} |",
        f"|---|---|{'---:|' * len(there)}",
    ]
    for one, result in zip(made, results, strict=True):
        planted = ", ".join(f"{'+' if way > 0 else '−'} {kind}" for kind, way in one.commit.plants.items())
        message = f"**{one.commit.message}** ({planted})" if planted else one.commit.message
        cells = " | ".join(_cell(result.metrics[name], name) for name in there)
        rows.append(f"| `{one.id[:7]}` | {message} | {cells} |")
    return rows


def _cell(value: Value, name: str) -> str:
    unit = "bytes" if name.endswith("bytes") else "seconds"
    if isinstance(value, Estimate):
        return f"{_number(value.value, unit)} ({value.low:.2f}–{value.high:.2f})"
    return _number(value, unit)


def _number(value: float, unit: str) -> str:
    return size(int(value)) if unit == "bytes" else f"{value:.3f} s" if unit == "seconds" else f"{value:g}"


def _noises(trends: Sequence[Trend]) -> str:
    found: dict[Nature, list[float]] = {}
    for trend in trends:
        if trend.noise is not None:
            found.setdefault(trend.metric.nature, []).append(trend.noise)
    return "; ".join(f"{nature.value} {min(shares):.1%} to {max(shares):.1%}" for nature, shares in found.items())


def _in_words(verdict: Verdict) -> str:
    if verdict.right:
        return "All planted changes were told, at their commits, and no other."
    parts = [f"missed: {', '.join(verdict.missed)}"] if verdict.missed else []
    parts += [f"told without being planted: {', '.join(verdict.extra)}"] if verdict.extra else []
    return "; ".join(parts) + "."
