"""`slimml profile IMAGE`: where the time from exec to the first right answer goes, and what to do about it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import hosting, probing
from slimml.cli.session import Session, with_session
from slimml.errors import UsageError

if TYPE_CHECKING:
    from slimml.bench.directory import Directory
    from slimml.engine.container import Engine
    from slimml.engine.side_by_side import SideBySide
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Image
    from slimml.probes.probe import Suite
    from slimml.report.profile import ProfileReport
    from slimml.startup.advice import Settings
    from slimml.startup.profile import StartProfile, Subject

ImageOption = Annotated[
    str | None, typer.Argument(metavar="[IMAGE]", help="The image to start, named as for analyze.", show_default=False)
]
Question = Annotated[
    str | None,
    typer.Option("--question", metavar="PROBE", help="The probe whose answer ends the start.", show_default=False),
]
Cold = Annotated[
    bool, typer.Option("--cold/--no-cold", help="Start from a cold page cache too; root drops the machine's for that.")
]
Needs = Annotated[
    bool, typer.Option("--needs/--no-needs", help="Find imports that nothing is called of: a slow start more.")
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Draw the waterfall, as .svg or .png.", show_default=False),
]
Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Write a page with phases and the import tree.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(profile))


def profile(
    session: Session,
    image: ImageOption = None,
    question: Question = None,
    cold: Cold = True,
    needs: Needs = True,
    picture: Picture = None,
    html: Html = None,
    probes: probing.ProbesFile = None,
    probe: probing.Requests = None,
    probe_command: probing.Commands = None,
    ready: probing.ReadyWhen = None,
    runtime: probing.RuntimeChoice = probing.Runtime.AUTO,
    gpus: probing.Gpus = None,
    host_venv: hosting.Venvs = None,
    host_root: hosting.Roots = None,
    host_directory: hosting.WorkDirectory = None,
) -> None:
    """Show where a start spends its time, and what to do.

    The container is watched from within: imports by distribution, models, waits. A directory of this machine can stand
    for the image.
    """
    host = hosting.directories_of([image] if image else [], host_venv, host_root, host_directory, runtime)
    known = _directory(host, venv=bool(host_venv)) if host else _inventory(session, image or "")
    engine = host or probing.engine_for(session, runtime)
    suite = probing.suite_for(
        session,
        known.image,
        probes=probes,
        requests=probe,
        commands=probe_command,
        ready=ready,
        gpus=gpus,
        inventory=known if host is None else None,  # type: ignore[arg-type]  # of an image, no directory
        engine=engine,
    )
    profiles, report = _measure(session, engine, known, suite, question, cold=cold, needs=needs)
    if session.json:
        session.answer("profile", report)
    else:
        from slimml.report.profile import render_profile

        render_profile(report, session.out)
    if picture is not None:
        from slimml.report.profile_picture import draw_profile

        draw_profile(report.image, profiles, picture)
    if html is not None:
        _write_page(report, html)


def _inventory(session: Session, words: str) -> "Inventory":
    from slimml.cli.reading import inventory_of, open_named

    return inventory_of(open_named(words, session), session)


def _directory(host: "SideBySide", *, venv: bool) -> "Directory":
    """Raises UsageError for several of them."""
    from slimml.bench.directory import look_into

    if len(host.images) > 1:
        raise UsageError("profile looks at one start: name one directory")
    return look_into(host.images[0], Path(str(host.images[0].reference)), venv=venv)


def _measure(
    session: Session,
    engine: "Engine",
    known: "Inventory | Directory",
    suite: "Suite",
    question: str | None,
    *,
    cold: bool,
    needs: bool,
) -> "tuple[list[StartProfile], ProfileReport]":
    from slimml.bench.first_answer import choose_question
    from slimml.report.profile import ProfileReport, start_report
    from slimml.startup.advice import advise
    from slimml.startup.profile import find_unneeded, profile_start, subject, unwatched_start

    progress = session.progress
    engine.sweep()
    with engine.prepare(known.image, progress) as prepared:
        about: Subject = subject(engine, prepared, suite, known, choose_question(suite, question))
        profiles = []
        for kind in (True, False) if cold else (False,):
            with progress.task("a cold start, watched" if kind else "a warm start, watched"):
                profiles.append(profile_start(about, cold=kind))
        with progress.task("a start that nobody watches"):
            plain = unwatched_start(about)
        unneeded = None
        if needs and profiles[-1].start.failure is None:
            with progress.task("a start with every call watched"):
                unneeded = find_unneeded(about, profiles[-1])
    advice = advise(profiles[-1], _settings(known.image, suite), unneeded)
    report = ProfileReport(
        image=str(known.image.reference),
        question=about.question.name,
        engine=engine.facts(),
        starts=tuple(map(start_report, profiles)),
        unwatched_seconds=plain.seconds if plain.failure is None else None,
        advice=advice,
        needs_known=unneeded is not None,
    )
    return profiles, report


def _settings(image: "Image", suite: "Suite") -> "Settings":
    """What says how the program is started."""
    from slimml.probes.variables import image_variables
    from slimml.startup.advice import Settings

    runtime = image.config.runtime
    words = [str(word) for name in ("Entrypoint", "Cmd") for word in runtime.get(name) or ()]
    if suite.argv is not None:
        words = [*(str(word) for word in runtime.get("Entrypoint") or ()), *suite.argv]
    return Settings(tuple(words), {**image_variables(image), **suite.environment}, suite.resources.cpus)


def _write_page(report: "ProfileReport", path: Path) -> None:
    from slimml.cli.whole_file import write_whole
    from slimml.report.html.page import Page, html_page
    from slimml.report.html.startup import StartTree

    trees = tuple(
        StartTree(
            f"Start of {report.image}, {start.page_cache} page cache",
            {phase.name: phase.seconds for phase in start.phases},
            start.imports,
        )
        for start in report.starts
    )
    write_whole(path, html_page(Page(title=f"Start of {report.image}", startup=trees)))
