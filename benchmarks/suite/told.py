"""What the results of the suite say: a Markdown table and charts beside them."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from measured import LINK_NAMES, interval, name_of, tag_of
from whole_way import averages, gain, links_of, totals, way, whole

from slimml.bench.results import Measure, Measurement
from slimml.bench.statistics import median
from slimml.bench.summary import Figures, Setting, summarize
from slimml.bench.waterfall import Bar, Group, Words, draw_waterfall
from slimml.report.sizes import number, size


def write_all(known: tuple[list[Measurement], list[dict[str, Any]]], results: Path) -> None:
    """The table and the charts, beside the results and called like them."""
    measured, records = known
    names = list(dict.fromkeys(map(name_of, measured)))
    groups = {name: [one for one in measured if name_of(one) == name] for name in names}
    charts = [path for path in draw_all(groups, records, results) if path.suffix == ".png"]
    results.with_suffix(".md").write_text(page(groups, records, charts), "utf-8")


def page(groups: dict[str, list[Measurement]], records: list[dict[str, Any]], charts: Sequence[Path]) -> str:
    """The whole page."""
    lines = [
        "# Size, pull and start of the benchmark images",
        "",
        f"{where(records)}.",
        "",
        "Medians with 95 % bootstrap intervals; below them in brackets the time as a share of that of `latest`, by",
        "pairs of the same round (below 1 is quicker). Rounds are interleaved, A B B A. A start ends with the first",
        "right answer, or with a job's end; a cold one begins with an empty page cache. Watched starts were measured",
        "apart.",
        "",
    ]
    lines += [f"![{chart.stem}]({chart.name})\n" for chart in charts]
    lines += averages(groups)
    for name, measured in groups.items():
        lines += [f"## {name}", "", *table(measured), ""]
        summary = summarize(measured)
        notes = [f"- Noise: {words}." for words in summary.noise] + [f"- {words}." for words in summary.remarks]
        failures = {failure for setting in summary.settings for one in setting.images for failure in one.failures}
        notes += [f"- Failed: {failure}." for failure in sorted(failures)]
        lines += [*notes, ""] if notes else []
    return "\n".join(lines)


def table(measured: Sequence[Measurement]) -> list[str]:
    """A row for each measure, a column for each tag."""
    summary = summarize(measured)
    tags = list(dict.fromkeys(tag_of(one) for one in sorted(measured, key=lambda one: one.image.position)))
    rows = [f"| | {' | '.join(tags)} |", f"|---|{'---:|' * len(tags)}"]
    for setting in sorted(summary.settings, key=lambda setting: list(Measure).index(setting.measure)):
        cells = {one.image.reference.rpartition(":")[2]: one for one in setting.images}
        for title, shown in row_kinds(setting):
            rows.append(f"| {title} | {' | '.join(shown(cells[tag]) if tag in cells else '' for tag in tags)} |")
    for link in links_of(measured):
        found = totals(measured, link)
        if len(found) > 1:
            title = f"**pull and cold start, {LINK_NAMES.get(link, link)}**"
            rows.append(f"| {title} | {' | '.join(whole(found, tag) for tag in tags)} |")
    return rows


def row_kinds(setting: Setting) -> list[tuple[str, Any]]:
    """The rows that a setting makes: title, and the cell of an image."""
    match setting.measure:
        case Measure.SIZE:
            return [
                ("on disk", lambda one: size(int(one.counters["disk_bytes"]))),
                ("compressed", lambda one: size(int(one.counters["compressed_bytes"]))),
                ("files", lambda one: number(int(one.counters["files"]))),
            ]
        case Measure.PULL:
            return [
                (f"pull, {LINK_NAMES.get(setting.link or '', setting.link)}", timed),
                ("on the wire", lambda one: counted(one, "wire_bytes")),
            ]
        case Measure.START:
            how = "warm" if setting.page_cache == "warm" else "cold"
            memory = ("peak memory of the process", lambda one: counted(one, "peak_resident_bytes"))
            return [(f"{how} start", timed), *([memory] if how == "warm" else [])]
        case Measure.PYTHON:
            parts = ("interpreter", "imports", "program")
            return [
                *((f"watched: {part}", lambda one, part=part: phase(one, part)) for part in parts),
                ("read from disk", lambda one: counted(one, "read_bytes")),
            ]
        case _:
            return []


def timed(one: Figures) -> str:
    """Median, interval, and the ratio to the first."""
    if one.seconds is None:
        return "failed" if one.failures else ""
    told = f"{one.seconds.value:.2f} s{interval(one.seconds)}"
    return told if one.ratio is None else f"{told}<br>[{one.ratio.value:.2f}{interval(one.ratio)}]"


def counted(one: Figures, counter: str) -> str:
    """A number of bytes."""
    found = one.counters.get(counter)
    return size(int(found)) if found is not None else "–"


def phase(one: Figures, name: str) -> str:
    """The median of a phase."""
    found = one.phases.get(name)
    return f"{found.value:.2f} s" if found is not None else "–"


def where(records: list[dict[str, Any]]) -> str:
    """The machine and the engine."""
    host = records[-1]["run"]["host"]
    engine = next((record["engine"] for record in reversed(records) if record["engine"]), None)
    days = sorted({date.fromisoformat(record["run"]["began"][:10]).isoformat() for record in records})
    parts = [
        f"{host['cores']} cores of {host['cpu']}",
        size(host["memory"]),
        f"Linux {host['kernel']}",
        *([f"{engine['name']} {engine['version']} ({engine['storage_driver']})"] if engine else []),
        " to ".join(dict.fromkeys((days[0], days[-1]))),
    ]
    return ", ".join(parts)


def draw_all(groups: dict[str, list[Measurement]], records: list[dict[str, Any]], results: Path) -> list[Path]:
    """A chart of starts alone, and one for each link, of pull and start; as PNG and SVG. The paths."""
    links = dict.fromkeys(link for measured in groups.values() for link in links_of(measured))
    paths = []
    for link in (None, *links):
        bars = [group for name, measured in groups.items() if (group := group_of(name, measured, link)) is not None]
        if not bars:
            continue
        over = LINK_NAMES.get(link or "", link)
        title = f"From pull over {over} to the first right answer" if link else "From start to the first right answer"
        words = Words(
            title,
            "cold page cache · medians of interleaved rounds, totals with 95 % intervals · each image on its own scale",
            where(records),
        )
        for suffix in ("svg", "png"):
            paths.append(results.with_name(f"{results.stem}-{(link or 'start').replace('/', '-')}.{suffix}"))
            draw_waterfall(bars, words, paths[-1])
    return paths


def group_of(name: str, measured: Sequence[Measurement], link: str | None) -> Group | None:
    """An image's bars; None where not everything was measured that they are of."""
    tags = dict.fromkeys(tag_of(one) for one in sorted(measured, key=lambda one: one.image.position))
    ways = {tag: way([one for one in measured if tag_of(one) == tag], link) for tag in tags}
    known = {tag: found for tag, found in ways.items() if found is not None}
    if len(known) < 2:
        return None
    bars = []
    for tag, (phases, seconds) in known.items():
        total = median(list(seconds.values()))
        disk = [one.counters["disk_bytes"] for one in measured if one.measure is Measure.SIZE and tag_of(one) == tag]
        label = f"{tag} · {size(int(disk[0] or 0))}" if disk else tag
        bars.append(Bar(label, phases, total.low, total.high))
    first, *_, last = known
    return Group(name, tuple(bars), remark(last, known[first][1], known[last][1]))


def remark(tag: str, before: dict[int, float], after: dict[int, float]) -> str:
    """How much quicker the last is than the first, as far as that is certain."""
    ratio = gain(before, after)
    if ratio is None:
        return ""
    if ratio.rounds > 1 and not ratio.excludes(1.0):
        return f"{tag}: no difference seen, {ratio.value:.2f}{interval(ratio)}"
    return f"{tag}: {ratio.value:.2f} times as quick{interval(ratio)}"
