"""`slimml verify A B`: both images run, asked the same, and their answers held together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import hosting, probing
from slimml.cli.session import Session, with_session
from slimml.errors import UsageError

if TYPE_CHECKING:
    from slimml.engine.container import Engine
    from slimml.oci.image import Image

DIFFERS = 10
"""exit code: the other image answers otherwise, or does not work where the original does"""
UNPROVEN = 9
"""exit code: nothing is proven (`errors.Unproven` says the same of optimize)"""

Original = Annotated[
    str | None,
    typer.Argument(metavar="[A]", help="The image whose answers are right; named as for analyze.", show_default=False),
]
Other = Annotated[
    str | None, typer.Argument(metavar="[B]", help="The image that has to answer the same.", show_default=False)
]
Rounds = Annotated[
    int,
    typer.Option("--rounds", metavar="N", help="How often A is asked, to learn what varies by itself.", min=1),
]
_BOTH = 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(verify))


def verify(
    session: Session,
    a: Original = None,
    b: Other = None,
    probes: probing.ProbesFile = None,
    probe: probing.Requests = None,
    probe_command: probing.Commands = None,
    ready: probing.ReadyWhen = None,
    runtime: probing.RuntimeChoice = probing.Runtime.AUTO,
    gpus: probing.Gpus = None,
    rounds: Rounds = 2,
    host_venv: hosting.Venvs = None,
    host_root: hosting.Roots = None,
    host_directory: hosting.WorkDirectory = None,
) -> None:
    """Run two images and say whether B answers as A does.

    Two directories of this machine can stand for A and B, in the order in which they are named.
    The exit code is 0 when every answer is the same, 10 when one differs or B does not work, 9 when nothing is proven.
    """
    from slimml.report.verification import render_verification, verification_report
    from slimml.verify.verification import Verdict
    from slimml.verify.verify import verify_images

    named = [words for words in (a, b) if words is not None]
    original, other, engine = _asked(session, named, runtime, host_venv, host_root, host_directory)
    suite = probing.suite_for(
        session,
        original,
        probes=probes,
        requests=probe,
        commands=probe_command,
        ready=ready,
        gpus=gpus,
        engine=engine,
    )
    found = verify_images(engine, original, other, suite, session.progress, rounds=rounds)
    report = verification_report(found)
    if session.json:
        session.answer("verification", report)
    else:
        render_verification(report, session.out)
    if found.verdict is not Verdict.SAME:
        raise typer.Exit(UNPROVEN if found.verdict is Verdict.UNPROVEN else DIFFERS)


def _asked(
    session: Session,
    named: list[str],
    runtime: probing.Runtime,
    venvs: list[Path] | None,
    roots: list[Path] | None,
    directory: Path | None,
) -> tuple["Image", "Image", "Engine"]:
    """A, B and what runs them."""
    from slimml.cli.reading import open_named

    host = hosting.directories_of(named, venvs, roots, directory, runtime)
    found = host.images if host else named
    if len(found) != _BOTH:
        raise UsageError(f"{len(found)} named: verify holds two images, or two directories, together")
    if host:
        original, other = host.images
        return original, other, host
    original, other = (open_named(words, session) for words in named)
    return original, other, probing.engine_for(session, runtime)
