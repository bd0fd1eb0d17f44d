"""`slimml explore IMAGE`: an image in the terminal."""

import os
import sys

import typer

from slimml.cli import options
from slimml.cli.session import Session, with_session
from slimml.errors import Unsupported, UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(explore))


def explore(session: Session, image: options.ImageArgument) -> None:
    """Look around in an image: layers, files, owners, what could go.

    Nothing is changed: what is marked for removal is weighed, and can be handed to slimml optimize.
    """
    _check(session)
    from slimml.cli.reading import inventory_of, open_named

    inventory = inventory_of(open_named(image, session), session)
    if not session.settings.color:
        os.environ["NO_COLOR"] = "1"  # as Textual asks for it
    from slimml.explore.app import Explorer
    from slimml.explore.saving import DEFAULT_NAME, command, needs_file

    explorer = Explorer(inventory)
    explorer.run()
    if explorer.fault is not None:
        raise explorer.fault
    marks = explorer.marking.marks
    if marks:
        if needs_file(marks) and explorer.saved is None:
            session.remark("the marks were not written (key e)")
        session.remark("what is marked goes with:")
        sys.stdout.write(command(inventory, marks, str(explorer.saved or DEFAULT_NAME)) + "\n")


def _check(session: Session) -> None:
    """Raises UsageError where there is no terminal, Unsupported without Textual."""
    from importlib.util import find_spec

    if session.json:
        raise UsageError("explore has no --json: slimml analyze --json has what it shows")
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()) or os.environ.get("TERM") == "dumb":
        raise UsageError("explore needs a terminal; slimml analyze says what an image carries, --tree its directories")
    if find_spec("textual") is None:
        raise Unsupported("the explorer needs textual: pip install 'slimml[explore]'")
