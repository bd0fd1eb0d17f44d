"""`slimml schema [NAME]`: the JSON Schemas of what slimml prints with --json."""

import sys
from typing import Annotated

import typer

Name = Annotated[str | None, typer.Argument(metavar="NAME", help="Which schema; none lists them.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(schema)


def schema(name: Name = None) -> None:
    """Print the JSON Schema of a document that --json prints."""
    from slimml.report.json import schema_names, schema_text

    sys.stdout.write(schema_text(name) if name else "".join(f"{known}\n" for known in schema_names()))
