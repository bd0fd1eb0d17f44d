"""Writes the page that `--html FILE` asks for: what an image holds, what was done to it, how long it makes wait."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slimml.bench.results import Measurement
    from slimml.bloat.finding import Findings
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.oci.descriptor import Descriptor
    from slimml.report.analysis import AnalysisReport
    from slimml.report.bench import BenchReport
    from slimml.report.optimized import OptimizedReport
    from slimml.report.plan import PlanReport

_LISTED = 20
"""paths shown with a finding; the map has them all"""


def write_contents(
    session: Session, path: Path, inventory: "Inventory", findings: "Findings", report: "AnalysisReport"
) -> None:
    """The page of an analysis."""
    from slimml.report.html.files import files_of

    files = files_of(inventory, findings)
    write_page(session, path, title=str(inventory.image.reference), analysis=report, files=files)


def write_done(
    session: Session,
    path: Path,
    inventory: "Inventory",
    findings: "Findings",
    plan: "PlanReport",
    report: "OptimizedReport | None",
    ledger: "tuple[Descriptor, BlobStore] | None",
) -> None:
    """The page of an optimize run: the image before, and with `report` and `ledger` what became of it."""
    from slimml.report.build_analysis import analyse
    from slimml.report.html.done import done_part
    from slimml.report.html.files import files_of
    from slimml.slim.kept import ledger_in

    done = None
    if report is not None and ledger is not None:
        entries = ledger_in(*ledger, session.access.limits).entries
        done = done_part(inventory, report, plan, entries)
    write_page(
        session,
        path,
        title=str(inventory.image.reference),
        analysis=analyse(inventory, findings, _LISTED),
        files=files_of(inventory, findings),
        done=done,
    )


def write_waiting(session: Session, path: Path, report: "BenchReport", measured: "Sequence[Measurement]") -> None:
    """The page of a benchmark."""
    from slimml.report.html.waiting import waiting_part

    title = " and ".join(dict.fromkeys(image.reference for image in report.images))
    write_page(session, path, title=title, waiting=waiting_part(report, measured))


def write_page(session: Session, path: Path, **parts: Any) -> None:
    """A page of these parts (`slimml.report.html.page.Page`)."""
    from slimml.cli.whole_file import write_whole
    from slimml.report.html.page import Page, html_page

    write_whole(path, html_page(Page(**parts)))
    session.remark(f"page written to {path}")
