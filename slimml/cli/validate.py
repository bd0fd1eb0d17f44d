"""`slimml validate IMAGE`: whether an image keeps its own promises."""

import typer

from slimml.cli import options
from slimml.cli.session import Session, with_session
from slimml.errors import InvalidImage


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(validate))


def validate(session: Session, image: options.ImageArgument) -> None:
    """Check every digest, size and entry of an image.

    The exit code is 6 when something is wrong.
    """
    from slimml.cli.reading import open_named
    from slimml.oci.validate import validate as look_at
    from slimml.report.validation import render_validation, validation_report

    opened = open_named(image, session)
    report = validation_report(opened, look_at(opened, limits=session.access.limits, progress=session.progress))
    if session.json:
        session.answer("validation", report)
    else:
        render_validation(report, session.out)
    if report.problems:
        raise InvalidImage(f"{report.reference} does not keep its promises ({report.problems} problems)")
