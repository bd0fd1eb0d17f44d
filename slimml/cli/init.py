"""`slimml init IMAGE`: a file of probes, guessed from the image and from what it says when it runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import options, probing
from slimml.cli.session import Session, with_session
from slimml.errors import AccessDenied, Refused

if TYPE_CHECKING:
    from slimml.engine.container import Engine
    from slimml.oci.image import Image
    from slimml.probes.guess import Guess

Written = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default=True)]
NoRun = Annotated[bool, typer.Option("--no-run", help="Guess without running the image.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(init))


def init(
    session: Session,
    image: options.ImageArgument,
    output: Written = Path("slimml.toml"),
    runtime: probing.RuntimeChoice = probing.Runtime.AUTO,
    gpus: probing.Gpus = None,
    no_run: NoRun = False,
) -> None:
    """Write a file of probes for an image, guessed."""
    from slimml.cli.reading import open_named
    from slimml.report.guessed import guessed_report, render_guessed

    if output.exists():
        raise Refused(f"{output} exists; name another file with --output (verify takes it with --probes)")
    opened = open_named(image, session)
    engine = None if no_run else _engine(session, runtime)
    found = _guess(session, opened, engine, gpus)
    text = _text(opened, found, ran=engine is not None)
    report = guessed_report(str(output), opened, found, engine.name if engine else None)
    if found.suite.probes:
        _write(output, text)
    if session.json:
        session.answer("init", report)
    else:
        render_guessed(report, session.out)
    if not found.suite.probes:
        raise Refused(f"{opened.reference}: nothing could be guessed that holds; write the probes (docs/probes.md)")


def _engine(session: Session, runtime: probing.Runtime) -> "Engine | None":
    from slimml.errors import Unavailable

    try:
        return probing.engine_for(session, runtime)
    except Unavailable as error:
        if runtime is not probing.Runtime.AUTO:
            raise
        session.remark(f"The image is not run: {error}")
        return None


def _guess(session: Session, image: "Image", engine: "Engine | None", gpus: str | None) -> "Guess":
    found = probing.guess_of(session, image, None, gpus)
    return found if engine is None else probing.tried(session, engine, image, found, twice=True)


def _write(output: Path, text: str) -> None:
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise AccessDenied(f"{output} cannot be written: {error.strerror}") from None


def _text(image: "Image", found: "Guess", *, ran: bool) -> str:
    from slimml.probes.write import suite_text

    passed = "The image itself passed them twice." if ran else "Nothing was run: the image may not pass them."
    header = [
        f"What {image.reference} has to answer, guessed by slimml init. {passed}",
        "Replace made-up inputs by real ones, and add what your users rely on: docs/probes.md tells how.",
    ]
    if found.remarks:
        header += ["", "Not asked:", *(f"  {remark}" for remark in found.remarks)]
    return suite_text(found.suite, header, found.notes)
