"""`slimml demo`: a sloppy image made of this Python, analysed, optimized and run, without an engine."""

from pathlib import Path
from typing import Annotated

import typer

from slimml.cli import options

Directory = Annotated[
    Path | None,
    typer.Option("--directory", metavar="DIR", help="Keep the images in this new directory.", show_default=False),
]
LevelChoice = Annotated[options.Level, typer.Option("--level", help="How much risk to take.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(directory: Directory = None, level: LevelChoice = options.Level.LIKELY, debug: options.Debug = False) -> None:
    """Make a sloppy image of this Python small.

    Both images are asked the same questions where this kernel lets them run. No engine is needed.
    """
    from slimml.demo import run

    del debug  # main reads it off the command line
    raise typer.Exit(run(directory, level=level.value))
