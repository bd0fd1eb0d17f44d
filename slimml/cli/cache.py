"""`slimml cache`: what is remembered of layers that were read, and how to forget it."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli.session import Session, with_session

if TYPE_CHECKING:
    from slimml.inventory.kept_files import KeptFiles


class Deed(StrEnum):
    """What to do with the cache."""

    LIST = "list"
    PRUNE = "prune"
    CLEAR = "clear"
    PATH = "path"


Chosen = Annotated[
    Deed,
    typer.Argument(metavar="[list|prune|clear|path]", help="list: what is there (the default); prune: the oldest go"),
]
MaxBytes = Annotated[
    int | None,
    typer.Option(
        "--max-bytes", metavar="N", help="How much prune leaves; else the cache's bound.", min=0, show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=False)(cache))


def cache(session: Session, deed: Chosen = Deed.LIST, max_bytes: MaxBytes = None) -> None:
    """Show, shorten or empty the cache of layers that were read."""
    from slimml.inventory.kept_files import default_directory

    found = default_directory()
    match deed:
        case Deed.LIST | Deed.PATH:
            _tell(session, found, deed)
        case Deed.PRUNE:
            _removed(session, found, found.prune(found.max_bytes if max_bytes is None else max_bytes))
        case Deed.CLEAR:
            _removed(session, found, found.clear())


def _tell(session: Session, found: "KeptFiles", deed: Deed) -> None:
    from slimml.report.cache import cache_report, render_cache

    report = cache_report(found)
    if session.json:
        session.answer("cache", report)
    elif deed is Deed.PATH:
        typer.echo(report.directory)
    else:
        render_cache(report, session.out)


def _removed(session: Session, found: "KeptFiles", removed_bytes: int) -> None:
    from slimml.report.cache import cache_report
    from slimml.report.sizes import size

    if session.json:
        session.answer("cache", cache_report(found), removed_bytes=removed_bytes)
    else:
        session.remark(f"{size(removed_bytes)} removed")
