"""`slimml copy SRC DST`: an image from one place to another, unchanged."""

from typing import Annotated

import typer

from slimml.cli.session import Session, with_session

Source = Annotated[str, typer.Argument(metavar="SRC", help="The image: any reference.", show_default=False)]
Target = Annotated[str, typer.Argument(metavar="DST", help="Where to: any reference.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(copy))


def copy(session: Session, source: Source, target: Target) -> None:
    """Copy an image to another place; no layer is compressed again."""
    from slimml.cli.reading import open_named
    from slimml.oci.reference import parse_reference
    from slimml.oci.transfer import write_image
    from slimml.report.receipt import receipt_report, render_receipt

    destination = parse_reference(target)
    receipt = write_image(open_named(source, session), destination, session.access, session.progress)
    if session.json:
        session.answer("copy", receipt_report(receipt))
    else:
        render_receipt(receipt_report(receipt), session.out)
