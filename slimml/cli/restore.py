"""`slimml restore IMAGE [PATH…]`: what `optimize --keep-removed` took out comes back."""

from pathlib import Path
from typing import Annotated

import typer

from slimml.cli import options
from slimml.cli.session import Session, with_session

Paths = Annotated[
    list[str] | None, typer.Argument(metavar="[PATH]...", help="What to bring back (globs); all unless given.")
]
Removed = Annotated[
    Path | None, typer.Option("--removed", metavar="FILE", help="The content that was removed.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(restore))


def restore(
    session: Session,
    image: options.ImageArgument,
    paths: Paths = None,
    tag: options.Tag = None,
    output: options.Output = None,
    ledger: options.Ledger = None,
    removed: Removed = None,
) -> None:
    """Bring back what optimize removed, all or some paths."""
    from slimml.cli.destination import choose_destination
    from slimml.cli.reading import inventory_of, open_named
    from slimml.oci.reference import parse_reference
    from slimml.oci.transfer import write_image
    from slimml.report.restored import render_restored, restored_report
    from slimml.slim.kept import find_ledger, find_removed
    from slimml.slim.known_sizes import with_sizes
    from slimml.slim.restore import restore as bring_back
    from slimml.slim.workshop import work_store

    opened = open_named(image, session)
    destination = choose_destination(parse_reference(image), opened.reference, tag, output, "restored")
    limits, progress = session.access.limits, session.progress
    told = find_ledger(opened, session.access, ledger)
    content, blobs = find_removed(opened, told, session.access, removed)
    wanted = tuple(path if path.startswith("/") else f"/{path}" for path in paths or ())
    with work_store() as store:
        inventory = inventory_of(opened, session)
        sized = with_sizes(opened, lambda found: inventory)
        back = bring_back(
            sized, told, content, blobs, store, wanted, inventory=inventory, limits=limits, progress=progress
        )
        receipt = write_image(back.image, destination, session.access, progress)
    report = restored_report(opened, back, receipt)
    if session.json:
        session.answer("restore", report)
    else:
        render_restored(report, session.out)
