"""What `slimml init` wrote: as a document, and on a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.probes.probe import BatchProbe, CommandProbe, HttpProbe, Probe
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.oci.image import Image
    from slimml.probes.guess import Guess


@dataclass(frozen=True)
class GuessedProbe:
    """One probe: `kind` is http, command, batch or file; `note` what to check of it, "" for nothing."""

    name: str
    kind: str
    note: str


@dataclass(frozen=True)
class GuessedReport:
    """A file of guessed probes. `remarks` are what is not asked, and why.

    `engine` is None where the image was not run.
    """

    file: str
    image: str
    engine: str | None
    probes: tuple[GuessedProbe, ...]
    remarks: tuple[str, ...]


def guessed_report(file: str, image: Image, found: Guess, engine: str | None) -> GuessedReport:
    """The report of what was guessed."""
    probes = tuple(GuessedProbe(one.name, _kind(one), found.notes.get(one.name, "")) for one in found.suite.probes)
    return GuessedReport(file, str(image.reference), engine, probes, found.remarks)


def render_guessed(report: GuessedReport, console: Console) -> None:
    """The report as text."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("probe", "kind", "to check"):
        table.add_column(heading)
    for probe in report.probes:
        table.add_row(visible(probe.name), probe.kind, visible(probe.note))
    if report.probes:
        console.print(table)
    for remark in report.remarks:
        console.print(visible(f"not asked: {remark}"), soft_wrap=True, style="dim")
    if report.probes:
        ran = f"the image passed them twice on {report.engine}" if report.engine else "the image was not run"
        console.print(f"\n{visible(report.file)} written; {ran}.", soft_wrap=True)


def _kind(probe: Probe) -> str:
    match probe:
        case HttpProbe():
            return "http"
        case CommandProbe():
            return "command"
        case BatchProbe():
            return "batch"
        case _:
            return "file"
