"""What a place took in: where an image now is and how many bytes had to travel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.report.sizes import size
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.oci.transfer import Receipt


@dataclass(frozen=True)
class ReceiptReport:
    """`written_bytes` were sent or stored, `reused_bytes` were there already."""

    reference: str
    digest: str
    written_bytes: int
    reused_bytes: int


def receipt_report(receipt: Receipt) -> ReceiptReport:
    """A sink's receipt as plain values."""
    return ReceiptReport(str(receipt.reference), receipt.digest, receipt.written_bytes, receipt.reused_bytes)


def render_receipt(report: ReceiptReport, console: Console) -> None:
    """Print the receipt: address, digest, bytes."""
    console.print(visible(report.reference), style="bold", soft_wrap=True)
    console.print(report.digest, style="dim", soft_wrap=True)
    there = f", {size(report.reused_bytes)} were there already" if report.reused_bytes else ""
    console.print(f"{size(report.written_bytes)} written{there}")
