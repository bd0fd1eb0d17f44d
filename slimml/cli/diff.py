"""`slimml diff A B`: what grew or shrank from one image to another, by layer, package and file."""

from pathlib import Path
from typing import Annotated

import typer

from slimml.cli.session import Session, with_session

_SHOWN = 20

Before = Annotated[str, typer.Argument(metavar="A", help="The image before; named as for analyze.", show_default=False)]
After = Annotated[str, typer.Argument(metavar="B", help="The image after.", show_default=False)]
Top = Annotated[
    int | None,
    typer.Option(
        "--top",
        metavar="N",
        help=f"How many packages and paths to list; {_SHOWN}, and all with --json.",
        min=1,
        show_default=False,
    ),
]
Markdown = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write it as Markdown as well.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(diff))


def diff(session: Session, a: Before, b: After, top: Top = None, markdown: Markdown = None) -> None:
    """Say what grew or shrank from image A to image B.

    Every byte of both is counted once: the rows of each list sum to the difference of the totals.
    """
    from slimml.cli.comparing import inventories_of
    from slimml.gates.diff import diff_images

    before, after = inventories_of(a, b, session)
    shown = top or _SHOWN
    found = diff_images(before, after, top if session.json else shown)
    if markdown is not None:
        from slimml.cli.whole_file import write_whole
        from slimml.report.diff_markdown import diff_markdown

        write_whole(markdown, diff_markdown(found, shown).encode())
    if session.json:
        session.answer("diff", found)
        return
    from slimml.report.diff import render_diff

    render_diff(found, session.out, shown)
