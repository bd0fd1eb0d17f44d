"""`slimml verify A B`: both images run, asked the same, and their answers held together."""

from typing import Annotated

import typer

from slimml.cli import probing
from slimml.cli.session import Session, with_session

DIFFERS = 10
"""exit code: the other image answers otherwise, or does not work where the original does"""
UNPROVEN = 9
"""exit code: nothing is proven (`errors.Unproven` says the same of optimize)"""

Original = Annotated[
    str,
    typer.Argument(metavar="A", help="The image whose answers are right; named as for analyze.", show_default=False),
]
Other = Annotated[str, typer.Argument(metavar="B", help="The image that has to answer the same.", show_default=False)]
Rounds = Annotated[
    int,
    typer.Option("--rounds", metavar="N", help="How often A is asked, to learn what varies by itself.", min=1),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(verify))


def verify(
    session: Session,
    a: Original,
    b: Other,
    probes: probing.ProbesFile = None,
    probe: probing.Requests = None,
    probe_command: probing.Commands = None,
    ready: probing.ReadyWhen = None,
    runtime: probing.RuntimeChoice = probing.Runtime.AUTO,
    gpus: probing.Gpus = None,
    rounds: Rounds = 2,
) -> None:
    """Run two images and say whether B answers as A does.

    The exit code is 0 when every answer is the same, 10 when one differs or B does not work, 9 when nothing is proven.
    """
    from slimml.cli.reading import open_named
    from slimml.report.verification import render_verification, verification_report
    from slimml.verify.verification import Verdict
    from slimml.verify.verify import verify_images

    original, other = open_named(a, session), open_named(b, session)
    engine = probing.engine_for(session, runtime)
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
