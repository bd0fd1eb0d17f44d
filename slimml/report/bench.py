"""What `bench` measured: for each image size, pulls and starts, and how it compares with the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from slimml.bench.results import Measure
from slimml.bench.summary import Figures, Setting, Summary
from slimml.report.sizes import number, size
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.bench.results import ImageFacts, Run
    from slimml.bench.statistics import Estimate
    from slimml.engine.container import EngineFacts

_TITLES = {
    Measure.SIZE: "Size",
    Measure.PULL: "Cold pull",
    Measure.START: "Start",
    Measure.PYTHON: "Start of Python, watched from within",
    Measure.GPU: "Start on a GPU",
}
_COLD = {"dropped": "cold page cache", "evicted": "cold files", "warm": "warm page cache"}
_PERCENT = "largest_layer_share"
_SIZES = {
    "disk_bytes": "on disk",
    "compressed_bytes": "compressed",
    "layers": "layers",
    "files": "files",
    _PERCENT: "largest layer",
}
_COUNTERS = {
    "wire_bytes": "on the wire",
    "requests": "requests",
    "second_answer_seconds": "second answer",
    "peak_memory_bytes": "peak memory",
    "cpu_seconds": "processor time",
    "later_imports_seconds": "imports of the first answer",
    "read_bytes": "files read",
    "cuda_seconds": "CUDA initialisation",
    "ready_bytes": "GPU memory when ready",
    "peak_bytes": "GPU memory at most",
    "first_inference_seconds": "first inference",
    "second_inference_seconds": "second inference",
}
_SHOWN_IMPORTS = 8
_DOUBTS = {"failed": "red", "noise": "yellow", "remark": "dim"}

Row = tuple[str, list[str]]


@dataclass(frozen=True)
class BenchReport:
    """All figures. `engine` is None where no engine took part."""

    run: Run
    engine: EngineFacts | None
    images: tuple[ImageFacts, ...]
    summary: Summary


@dataclass(frozen=True)
class BenchTable:
    """Figures of one measure in words. `columns` are letters of images, then ratios; `rows` a name and its cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def render_bench(report: BenchReport, console: Console) -> None:
    """Print the host, the images by letter, a table for each measure, and why to distrust the figures."""
    for line in host_lines(report):
        console.print(visible(line), soft_wrap=True)
    heading(console, "Images" if any(image.digest for image in report.images) else "Directories of this machine")
    for letter, image in zip(_letters(report), report.images, strict=True):
        console.print(f"  {letter}  {visible(image.reference)}", soft_wrap=True)
    for table in bench_tables(report):
        heading(console, table.title)
        drawn = plain_table("", *(f">{column}" for column in table.columns))
        for name, cells in table.rows:
            drawn.add_row(visible(name), *cells)
        console.print(indented(drawn))
    lines = doubts(report)
    if lines:
        console.print()
    for kind, line in lines:
        console.print(Text(visible(line), style=_DOUBTS[kind]), soft_wrap=True)


def bench_tables(report: BenchReport) -> Iterator[BenchTable]:
    """A table for each setting, pulls in one; words of images are in them as they are."""
    letters = _letters(report)
    columns = (*letters, *(f"{letter} / {letters[0]}" for letter in letters[1:]))
    for setting in report.summary.of(Measure.SIZE):
        yield BenchTable(_TITLES[Measure.SIZE], columns, tuple(_size_rows(setting)))
    pulls = report.summary.of(Measure.PULL)
    if pulls:
        yield BenchTable(_TITLES[Measure.PULL], columns, tuple(_pull_rows(pulls)))
    for measure in (Measure.START, Measure.PYTHON, Measure.GPU):
        for setting in report.summary.of(measure):
            if any(figures.phases for figures in setting.images):
                title = f"{_TITLES[measure]}, {_COLD.get(setting.page_cache or '', setting.page_cache)}"
                yield BenchTable(title, columns, tuple(_start_rows(setting)))


def host_lines(report: BenchReport) -> list[str]:
    """The machine, and the engine where one took part."""
    host, engine = report.run.host, report.engine
    gpus = "".join(f", {gpu.name}" for gpu in host.gpus)
    found = [
        f"{host.cpu}, {host.cores} processors, {size(host.memory)} of memory{gpus}, {host.system}, kernel {host.kernel}"
    ]
    if engine is not None:
        words = " ".join(filter(None, (engine.name, engine.version, engine.storage_driver, engine.runtime)))
        found.append(words + (", rootless" if engine.rootless else ""))
    return found


def doubts(report: BenchReport) -> list[tuple[str, str]]:
    """What went wrong (`failed`), why to distrust the figures (`noise`), and what else is to be known (`remark`)."""
    letters = _letters(report)
    failed = dict.fromkeys(
        f"{letters[figures.image.position]} failed: {failure}"
        for setting in report.summary.settings
        for figures in setting.images
        for failure in figures.failures
    )
    found = [("failed", line) for line in failed]
    found += [("noise", f"noisy host: {words}") for words in report.summary.noise]
    return found + [("remark", line) for line in report.summary.remarks]


def _letters(report: BenchReport) -> list[str]:
    return [chr(ord("A") + image.position) for image in report.images]


def _size_rows(setting: Setting) -> Iterator[Row]:
    for name, words in _SIZES.items():
        values = [figures.counters.get(name) for figures in setting.images]
        if all(value is None for value in values):
            continue
        cells = [_amount(name, value) for value in values]
        first = values[0]
        for value in values[1:]:
            cells.append(f"{value / first:.2f}" if first and value is not None and name != _PERCENT else "")
        yield words, cells


def _pull_rows(settings: Sequence[Setting]) -> Iterator[Row]:
    for setting in settings:
        yield setting.link or "", _timed(setting, lambda figures: figures.seconds)
    yield from _counter_rows(settings[0])


def _start_rows(setting: Setting) -> Iterator[Row]:
    """The phases, their sum with its ratio, what else was counted, and the dearest imports."""
    names = dict.fromkeys(name for figures in setting.images for name in figures.phases)
    for name in names:
        yield name, [_seconds(figures.phases.get(name)) for figures in setting.images]
    yield "together", _timed(setting, lambda figures: figures.seconds)
    yield from _counter_rows(setting)
    costs: dict[str, float] = {}
    for figures in setting.images:
        for name, value in figures.counters.items():
            if name.startswith("import "):
                costs[name] = max(costs.get(name, 0.0), value)
    for name in sorted(costs, key=lambda name: -costs[name])[:_SHOWN_IMPORTS]:
        yield name, [_amount("seconds", figures.counters.get(name)) for figures in setting.images]


def _counter_rows(setting: Setting) -> Iterator[Row]:
    for name, words in _COUNTERS.items():
        values = [figures.counters.get(name) for figures in setting.images]
        if any(value is not None for value in values):
            yield words, [_amount(name, value) for value in values]


def _timed(setting: Setting, value_of: Callable[[Figures], Estimate | None]) -> list[str]:
    cells = [_seconds(value_of(figures)) for figures in setting.images]
    return cells + [_ratio(figures.ratio) for figures in setting.images[1:]]


def _amount(name: str, value: float | None) -> str:
    """A counter by what its name says that it counts."""
    if value is None:
        return "–"
    if name.endswith("bytes"):
        return size(round(value))
    if name.endswith("seconds"):
        return _duration(value)
    return f"{value:.0%}" if name == _PERCENT else number(round(value))


def _seconds(found: Estimate | None) -> str:
    """A median, with its interval where it has one."""
    if found is None:
        return "–"
    if found.rounds < 2:
        return _duration(found.value)
    if found.value < 1:
        return f"{found.value * 1000:.0f} ms ({found.low * 1000:.0f}–{found.high * 1000:.0f})"
    return f"{found.value:.2f} s ({found.low:.2f}–{found.high:.2f})"


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _ratio(found: Estimate | None) -> str:
    if found is None:
        return "–"
    return f"{found.value:.2f}" + (f" ({found.low:.2f}–{found.high:.2f})" if found.rounds > 1 else "")
