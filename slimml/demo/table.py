"""The demo's last word: both images side by side."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.demo.show import Outcome


def print_table(before: Outcome, after: Outcome, out: IO[str]) -> None:
    """Sizes, files, layers and answers of both images, and what changed."""
    from rich.table import Table

    from slimml.report.console import console
    from slimml.report.sizes import number, share, size

    table = Table("", before.name, after.name, "gone", title="before and after")
    for column in table.columns[1:]:
        column.justify = "right"
    rows = (
        ("compressed layers", before.compressed_bytes, after.compressed_bytes, size),
        ("root file system", before.root_bytes, after.root_bytes, size),
        ("files in it", before.root_files, after.root_files, number),
    )
    for title, was, now, shown in rows:
        table.add_row(title, shown(was), shown(now), share(was - now, was))
    table.add_row("layers", number(before.layers), number(after.layers), "")
    table.add_row("answers", _answered(before), _answered(after), "")
    out.write("\n")
    console(out, color=True).print(table)


def _answered(outcome: Outcome) -> str:
    if not isinstance(outcome.answers, tuple):
        return "not run"
    return f"{sum(answer.status > 0 for answer in outcome.answers)} of {len(outcome.answers)}"
