"""`slimml copy SRC DST`: an image from one place to another, unchanged, or with its layers stored for lazy clients."""

from contextlib import ExitStack
from typing import Annotated

import typer

from slimml.cli.lazily import Base, LazyChoice, LazyCompression, OrderFiles, stored_lazily
from slimml.cli.session import Session, with_session
from slimml.errors import UsageError

Source = Annotated[str, typer.Argument(metavar="SRC", help="The image: any reference.", show_default=False)]
Target = Annotated[str, typer.Argument(metavar="DST", help="Where to: any reference.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(copy))


def copy(
    session: Session,
    source: Source,
    target: Target,
    lazy: LazyChoice = None,
    recording: OrderFiles = None,
    compression: LazyCompression = None,
    base: Base = None,
) -> None:
    """Copy an image to another place.

    No layer is compressed again, unless --lazy asks for layers that clients may fetch parts of.
    """
    from slimml.cli.reading import open_named
    from slimml.oci.reference import parse_reference
    from slimml.oci.transfer import write_image
    from slimml.report.receipt import receipt_report, render_receipt
    from slimml.slim.lazily import check_place
    from slimml.slim.workshop import work_store

    for option, given in (("--recording", recording), ("--compression", compression), ("--base", base)):
        if given and lazy is None:
            raise UsageError(f"{option} is about --lazy: say --lazy estargz or --lazy zstd-chunked")
    destination = parse_reference(target)
    with ExitStack() as opened:
        image = open_named(source, session)
        if lazy is not None:
            check_place(destination)
            store = opened.enter_context(work_store())
            image = stored_lazily(session, image, store, lazy, recording, compression, base)
        receipt = write_image(image, destination, session.access, session.progress)
    if session.json:
        session.answer("copy", receipt_report(receipt))
    else:
        render_receipt(receipt_report(receipt), session.out)
