"""What became of models: a table of each one's candidates, which was taken, and why the others were not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.models.candidates.candidate import ORIGINAL, Candidate, front
from slimml.models.candidates.drift import Kind
from slimml.report.sizes import counted, share, size
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.models.candidates.shrink_directory import Result
    from slimml.models.candidates.shrink_file import FileResult


@dataclass(frozen=True)
class Row:
    """One candidate. Seconds are of the processor, on one thread; ratios are to the original, measured in turns;
    null is what was not measured. `verdict` is "right", "refused", "not judged" where nothing could judge it,
    "failed", or "not made" where there was nothing to do; `why` belongs to it.
    """

    name: str
    tier: str
    did: str
    verdict: str
    why: str
    bytes: int | None
    compressed_bytes: int | None
    load_seconds: float | None
    load_ratio: float | None
    latency_seconds: float | None
    latency_ratio: float | None
    peak_bytes: int | None
    agreement: float | None
    cosine: float | None
    metric: float | None
    on_front: bool
    taken: bool


@dataclass(frozen=True)
class ModelRows:
    """One model file and its candidates, the original first."""

    path: str
    format: str
    taken: str
    candidates: tuple[Row, ...]


@dataclass(frozen=True)
class ShrunkReport:
    """`target` is where the result lies, "" where nothing was written. `left` are models that nothing was tried on."""

    source: str
    target: str
    objective: str
    before_bytes: int
    after_bytes: int
    models: tuple[ModelRows, ...]
    left: tuple[dict[str, str | int], ...]
    linked: tuple[dict[str, str | int], ...]
    host: dict[str, str | list[str]]


def shrunk_report(
    result: Result, source: str, target: str, objective: str, root: str, host: dict[str, str | list[str]]
) -> ShrunkReport:
    """The result as plain values; paths relative to `root`."""
    return ShrunkReport(
        source=source,
        target=target,
        objective=objective,
        before_bytes=result.before,
        after_bytes=result.after,
        models=tuple(_model(one, root) for one in result.files),
        left=tuple({"path": one.path, "format": one.format, "bytes": one.bytes, "reason": one.reason}
                   for one in result.left),
        linked=tuple({"path": one.path, "first": one.first, "bytes": one.bytes} for one in result.linked),
        host=host,
    )  # fmt: skip


def _model(one: FileResult, root: str) -> ModelRows:
    best = front(list(one.candidates))
    rows = tuple(_row(candidate, one.taken, best) for candidate in one.candidates)
    return ModelRows(str(one.path.relative_to(root)), one.format.value, one.taken, rows)


def _row(one: Candidate, taken: str, best: frozenset[str]) -> Row:
    found = one.measured
    agreements = [drift.agreement for drift in one.drift if drift.agreement is not None]
    cosines = [drift.cosine for drift in one.drift if drift.cosine is not None and drift.kind is not Kind.SEQUENCE]
    return Row(
        name=one.name,
        tier=one.tier,
        did=one.did,
        verdict=_verdict(one),
        why=one.failed or (one.verdict.why if one.verdict else ""),
        bytes=found.bytes if found else None,
        compressed_bytes=found.compressed if found else None,
        load_seconds=found.load if found else None,
        load_ratio=found.load_ratio if found else None,
        latency_seconds=found.latency if found else None,
        latency_ratio=found.latency_ratio if found else None,
        peak_bytes=found.peak if found else None,
        agreement=min(agreements, default=None),
        cosine=min(cosines, default=None),
        metric=one.metric,
        on_front=one.name in best,
        taken=one.name == (taken or ORIGINAL),
    )


def _verdict(one: Candidate) -> str:
    if one.failed:
        return "not made" if one.unsuitable else "failed"
    if one.verdict is None:
        return "not judged"
    return "right" if one.verdict.passed else "refused"


def render_shrunk(report: ShrunkReport, console: Console) -> None:
    """Print a table for each model, then what was left alone, and the sum."""
    for model in report.models:
        _render_model(model, console)
    for left in report.left:
        console.print(f"{visible(str(left['path']))}: left as it is: {visible(str(left['reason']))}", style="dim")
    for linked in report.linked:
        console.print(f"{visible(str(linked['path']))}: the same as {visible(str(linked['first']))}, kept once")
    saved = report.before_bytes - report.after_bytes
    models = counted(len(report.models) + len(report.left) + len(report.linked), "model")
    console.print(
        f"{models}: {size(report.before_bytes)} → {size(report.after_bytes)}, {share(saved, report.before_bytes)} less"
    )
    if report.target:
        console.print(f"written to {visible(report.target)}", soft_wrap=True)


def _render_model(model: ModelRows, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    columns = [column for column in _COLUMNS if any(_cell(row, column) for row in model.candidates)]
    table = Table(box=None, pad_edge=False)
    table.add_column("form", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for row in model.candidates:
        form = Text(f"{'▸' if row.taken else ' '} {row.name}", style="bold" if row.taken else "")
        cells = [_cell(row, column) or "–" for column in columns]
        table.add_row(form, *cells, Text("taken" if row.taken else row.verdict, style="dim"))
    console.print(f"{visible(model.path)} ({model.format})", style="bold", soft_wrap=True)
    console.print(table)
    for row in model.candidates[1:]:
        if words := _words(row):
            console.print(Text(f"  {row.name}: {visible(words)}", style="dim"), soft_wrap=True)
    console.print()


_COLUMNS = ("on disk", "compressed", "load", "run", "agree", "cosine", "metric")


def _cell(row: Row, column: str) -> str:
    match column:
        case "on disk":
            return "" if row.bytes is None else size(row.bytes)
        case "compressed":
            return "" if row.compressed_bytes is None else size(row.compressed_bytes)
        case "load":
            return _seconds(row, row.load_seconds, row.load_ratio)
        case "run":
            return _seconds(row, row.latency_seconds, row.latency_ratio)
        case "agree":
            return "" if row.agreement is None else f"{row.agreement:.1%}"
        case "cosine":
            return "" if row.cosine is None else f"{row.cosine:.4f}"
        case _:
            return "" if row.metric is None else f"{row.metric:.4g}"


def _words(row: Row) -> str:
    match row.verdict:
        case "failed":
            return f"candidate failed: {row.why}"
        case "not made" | "refused":
            return f"{row.verdict}: {row.why}"
        case _:
            return row.did


def _seconds(row: Row, seconds: float | None, ratio: float | None) -> str:
    """Of the original the time, of the others how it compares: only that was measured side by side."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.1f} ms" if row.name == ORIGINAL or ratio is None else f"×{ratio:.2f}"
