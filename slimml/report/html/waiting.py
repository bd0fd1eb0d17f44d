"""How long images make wait, for the page: the way from pull to first answer as bars, and bench's own tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slimml.report.bench import bench_tables, doubts, host_lines
from slimml.report.bench_picture import bench_groups
from slimml.report.html.shown import shown

if TYPE_CHECKING:
    from slimml.bench.results import Measurement
    from slimml.bench.waterfall import Group
    from slimml.report.bench import BenchReport


def waiting_part(report: BenchReport, measured: Sequence[Measurement]) -> dict[str, Any]:
    """Groups of bars (one for each link), tables of cells, the host, and why to distrust the figures; all in words."""
    found = {
        "images": [image.reference for image in report.images],
        "groups": [_group(group) for group in bench_groups(report, measured) if group.bars],
        "tables": [
            {"title": table.title, "columns": table.columns, "rows": [[name, *cells] for name, cells in table.rows]}
            for table in bench_tables(report)
        ],
        "host": host_lines(report),
        "doubts": [{"kind": kind, "words": words} for kind, words in doubts(report)],
        "began": report.run.began,
    }
    plain: dict[str, Any] = shown(found)
    return plain


def _group(group: Group) -> dict[str, Any]:
    return {
        "title": group.title,
        "remark": group.remark,
        "bars": [
            {"label": bar.label, "phases": list(bar.phases.items()), "low": bar.low, "high": bar.high}
            for bar in group.bars
        ],
    }
