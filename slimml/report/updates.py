"""What updates of an image cost, as values and in lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimml.report.analysis import AnalysisReport, UpdateReport
from slimml.report.sizes import share, size
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.inventory.table import Inventory

_LARGE = 0.5


def largest_layer_share(inventory: Inventory) -> float:
    """Of the compressed bytes: clients fetch layers side by side, so it bounds what that gives."""
    blobs = [layer.blob_bytes for layer in inventory.layers]
    return round(max(blobs, default=0) / max(1, sum(blobs)), 4)


def updates_of(inventory: Inventory) -> tuple[UpdateReport, ...]:
    """What one changed file of the application costs, and distributions in another version."""
    from slimml.slim.layout.costs import update_costs

    return tuple(
        UpdateReport(found.name, found.own_bytes, found.layer_bytes, found.build_bytes)
        for found in update_costs(inventory)
    )


def render_updates(report: AnalysisReport, console: Console) -> None:
    """Print the largest layer's share and a line for each update."""
    if not report.updates:
        return
    from slimml.report.terminal import heading, indented, plain_table  # imported late: values need no terminal

    total = report.image.compressed_bytes
    heading(console, "Updates: what a node that has the image fetches again")
    table = plain_table(">changes", ">its layers", ">and above", ">of all", "what")
    for update in report.updates:
        name = f"{visible(update.name)} in another version" if update.name else "one file of the application"
        costs = (size(update.own_bytes), size(update.layer_bytes), size(update.build_bytes))
        table.add_row(*costs, share(update.build_bytes, total), name)
    console.print(indented(table))
    advice = "; slimml optimize --relayer balances layers" if report.largest_layer_share > _LARGE else ""
    console.print(
        indented(f"the largest layer has {report.largest_layer_share:.0%} of the bytes{advice}".replace("%", " %"))
    )
