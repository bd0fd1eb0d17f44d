"""`slimml cache`: what is remembered of layers that were read and files made smaller, and how to forget it."""

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
        "--max-bytes", metavar="N", help="How much prune leaves of each; else the bounds.", min=0, show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=False)(cache))


def cache(session: Session, deed: Chosen = Deed.LIST, max_bytes: MaxBytes = None) -> None:
    """Show, shorten or empty the cache of layers and files."""
    from slimml.inventory.kept_files import default_directory, shrunk_directory

    found = (default_directory(), shrunk_directory())
    match deed:
        case Deed.LIST | Deed.PATH:
            _tell(session, found, deed)
        case Deed.PRUNE:
            removed = sum(one.prune(one.max_bytes if max_bytes is None else max_bytes) for one in found)
            _removed(session, found, removed)
        case Deed.CLEAR:
            _removed(session, found, sum(one.clear() for one in found))


def _tell(session: Session, found: "tuple[KeptFiles, KeptFiles]", deed: Deed) -> None:
    from slimml.report.cache import cache_report, render_cache

    report = cache_report(*found)
    if session.json:
        session.answer("cache", report)
    elif deed is Deed.PATH:
        typer.echo(report.directory)
    else:
        render_cache(report, session.out)


def _removed(session: Session, found: "tuple[KeptFiles, KeptFiles]", removed_bytes: int) -> None:
    from slimml.report.cache import cache_report
    from slimml.report.sizes import size

    if session.json:
        session.answer("cache", cache_report(*found), removed_bytes=removed_bytes)
    else:
        session.remark(f"{size(removed_bytes)} removed")
