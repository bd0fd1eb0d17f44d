"""What `restore` brought back, and where the image is that has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.report.receipt import ReceiptReport, receipt_report, render_receipt
from slimml.report.sizes import counted
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.oci.image import Image
    from slimml.oci.transfer import Receipt
    from slimml.slim.restore import Restored

_SHOWN = 20


@dataclass(frozen=True)
class RestoredReport:
    """`paths` are absolute."""

    image: str
    result: ReceiptReport
    paths: tuple[str, ...]


def restored_report(image: Image, restored: Restored, receipt: Receipt) -> RestoredReport:
    """The report on a written image."""
    return RestoredReport(str(image.reference), receipt_report(receipt), restored.paths)


def render_restored(report: RestoredReport, console: Console) -> None:
    """Print the first paths, their number, and where the image is."""
    for path in report.paths[:_SHOWN]:
        console.print(f"  {visible(path)}", soft_wrap=True)
    if len(report.paths) > _SHOWN:
        console.print(f"  … and {counted(len(report.paths) - _SHOWN, 'more path')} (--json lists them)")
    console.print(f"{counted(len(report.paths), 'path')} brought back")
    render_receipt(report.result, console)
