"""The history for a person or a program: what it holds, results as they are kept, what an old month is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from slimml.history.chart_words import amount, short_commit
from slimml.history.metrics import chosen, metric
from slimml.history.result import Result, middle
from slimml.history.trends import Line
from slimml.report.sizes import counted, size
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.history.pruning import OldMonth
    from slimml.history.store import Damage

_HEADLINES = ("size/disk_bytes", "size/compressed_bytes", "pull/*/seconds", "start/*/seconds", "start/*/cpu_seconds")
_KEYS_WIDTH, _FIGURE_WIDTH = 30, 15
"""letters that when and commit take, and about those of a figure"""


@dataclass(frozen=True)
class KeptLine:
    """What can be compared: the keys of `history.trends.Line`, how many results, when the first and last began."""

    image: str
    host: str
    engine: str
    suite: str
    results: int
    first: str
    last: str
    metrics: tuple[str, ...]


def line_of(result: Result) -> Line:
    """The line that a result belongs to."""
    return Line(result.image, result.host, result.engine, result.suite)


def kept_lines(results: Iterable[Result]) -> list[KeptLine]:
    """What a store holds, by image; `results` are from the oldest."""
    found: dict[Line, list[Result]] = {}
    for one in results:
        found.setdefault(line_of(one), []).append(one)
    return [
        KeptLine(
            line.image, line.host, line.engine, line.suite, len(own), own[0].began, own[-1].began,
            tuple(sorted({name for one in own for name in one.metrics})),
        )
        for line, own in sorted(found.items())
    ]  # fmt: skip


def result_objects(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Results as the schema `history` describes them."""
    import msgspec

    return [msgspec.to_builtins(one) for one in results]


def damage_objects(damaged: Iterable[Damage]) -> list[dict[str, Any]]:
    """Damaged lines as the documents of the history carry them."""
    return [{"path": str(one.path), "number": one.number, "reason": one.reason, "text": one.text} for one in damaged]


def render_lines(lines: Sequence[KeptLine], console: Console) -> None:
    """Print a row for each line."""
    table = plain_table(">results", "first", "last", "image, host, engine, suite")
    for line in lines:
        keys = visible(f"{line.host} · {line.engine} · suite {line.suite}")
        table.add_row(
            str(line.results), line.first[:10], line.last[:10], Text.assemble(visible(line.image), "\n", (keys, "dim"))
        )
    console.print(table)


def render_results(results: Sequence[Result], patterns: Sequence[str], console: Console) -> None:
    """Print a table for each line: when, commit, and the figures of these patterns; else those people ask for first."""
    lines: dict[Line, list[Result]] = {}
    for one in results:
        lines.setdefault(line_of(one), []).append(one)
    for line, own in sorted(lines.items()):
        known = sorted({name for one in own for name in one.metrics})
        wanted = patterns or _HEADLINES
        names = list(dict.fromkeys(name for pattern in wanted for name in chosen(known, [pattern])))
        names = names if patterns else names[: _columns(console)]
        heading(console, " · ".join(visible(word) for word in (line.image, line.host, line.engine) if word))
        table = plain_table("began", "commit", *(f">{visible(name).replace('/', chr(10))}" for name in names))
        for one in own:
            cells = [
                amount(middle(one.metrics[name]), metric(name).unit) if name in one.metrics else "–" for name in names
            ]
            table.add_row(one.began[:16].replace("T", " "), visible(short_commit(one.commit)), *cells)
        console.print(indented(table))


def _columns(console: Console) -> int:
    """How many figures there is room for."""
    return max(1, (console.width - _KEYS_WIDTH) // _FIGURE_WIDTH)


def render_months(months: Sequence[OldMonth], console: Console) -> None:
    """Print a row for each file."""
    table = plain_table(">lines", ">bytes", "file")
    for month in months:
        table.add_row(str(month.lines), size(month.bytes), visible(str(month.path)))
    console.print(table)


def damage_in_words(damaged: Sequence[Damage], shown: int = 5) -> Iterator[str]:
    """A line for each damaged one, and how many more there are."""
    yield from (str(one) for one in damaged[:shown])
    if len(damaged) > shown:
        yield f"and {counted(len(damaged) - shown, 'more damaged line')}"


def csv_rows(results: Iterable[Result]) -> Iterator[tuple[object, ...]]:
    """A heading, and a row for each figure of each result."""
    yield ("began", "image", "digest", "commit", "host", "engine", "suite", "metric", "value", "low", "high", "rounds")
    for one in results:
        keys = (one.began, one.image, one.digest or "", one.commit, one.host, one.engine, one.suite)
        for name, value in one.metrics.items():
            if isinstance(value, int | float):
                yield (*keys, name, value, "", "", "")
            else:
                yield (*keys, name, value.value, value.low, value.high, value.rounds)
