"""`slimml report`: one page of all that is known of an image: contents, run, benchmark, history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slimml.cli.session import Session, with_session
from slimml.errors import UsageError

if TYPE_CHECKING:
    from slimml.report.html.trends import TrendLine

_LISTED = 20
"""paths shown with a finding; the map has them all"""

ImageOption = Annotated[
    str | None, typer.Argument(metavar="[IMAGE]", help="The image, named as for analyze.", show_default=False)
]
Html = Annotated[Path, typer.Option("--html", metavar="FILE", help="The page.", show_default=False)]
LedgerFile = Annotated[
    Path | None,
    typer.Option("--ledger", metavar="FILE", help="What optimize did to the image.", show_default=False),
]
BenchFile = Annotated[
    Path | None,
    typer.Option(
        "--bench", metavar="FILE.jsonl", help="What bench measured (--output); its last run.", show_default=False
    ),
]
History = Annotated[
    Path | None,
    typer.Option("--history", metavar="DIR", help="Results kept by slimml history.", show_default=False),
]
Name = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Only the history of this image.", show_default=False),
]
Host = Annotated[
    str | None,
    typer.Option("--host", metavar="CLASS", help="Only the history on this class of machines.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(report))


def report(
    session: Session,
    html: Html,
    image: ImageOption = None,
    ledger: LedgerFile = None,
    bench: BenchFile = None,
    history: History = None,
    name: Name = None,
    host: Host = None,
) -> None:
    """Write one page of what is known of an image.

    Each part is of a file that another command kept; the image itself is read again.
    """
    from slimml.cli.page import write_page

    if image is None and ledger is not None:
        raise UsageError("--ledger needs the IMAGE that it is about: the one before")
    if session.json:
        raise UsageError("the page is the answer; analyze, optimize, bench and trend print documents with --json")
    parts: dict[str, Any] = {"title": name or f"History in {history}"}
    if bench is not None:
        parts |= _waiting(bench)
    if image is not None:
        parts |= _contents(session, image, ledger)
    if history is not None:
        parts["trends"] = _trends(session, history, name, host)
    if len(parts) == 1:
        raise UsageError("there is nothing to show: name an IMAGE, --bench or --history")
    write_page(session, html, **parts)


def _contents(session: Session, words: str, ledger: Path | None) -> dict[str, Any]:
    from slimml.bloat.detect import find_bloat
    from slimml.cli.reading import inventory_of, open_named
    from slimml.report.build_analysis import analyse
    from slimml.report.html.done import done_of_ledger
    from slimml.report.html.files import files_of
    from slimml.slim.kept import find_ledger

    image = open_named(words, session)
    inventory = inventory_of(image, session)
    findings = find_bloat(inventory)
    found: dict[str, Any] = {"title": str(image.reference), "analysis": analyse(inventory, findings, _LISTED)}
    found["files"] = files_of(inventory, findings)
    if ledger is not None:
        found["done"] = done_of_ledger(inventory, find_ledger(image, session.access, ledger), str(ledger))
    return found


def _waiting(path: Path) -> dict[str, Any]:
    from slimml.bench.recorded import engine_of, last_run
    from slimml.bench.summary import summarize
    from slimml.report.bench import BenchReport
    from slimml.report.html.waiting import waiting_part

    run, measured = last_run(path)
    images = tuple(sorted({one.image for one in measured}, key=lambda image: image.position))
    about = BenchReport(run, engine_of(measured), images, summarize(measured))
    title = " and ".join(dict.fromkeys(image.reference for image in images))
    return {"title": title, "waiting": waiting_part(about, measured)}


def _trends(session: Session, directory: Path, name: str | None, host: str | None) -> "tuple[TrendLine, ...]":
    from slimml.cli.history import read_store
    from slimml.history.chart import PANELS
    from slimml.history.trends import trends
    from slimml.report.html.trends import trend_lines

    kept = read_store(session, directory, name, host)
    return trend_lines(trends(kept.results, [pattern for panel in PANELS for pattern in panel.patterns]))
