"""`slimml bench IMAGE…`: size, cold pulls and starts of images, or of directories in their place, side by side."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import hosting, options, probing
from slimml.cli.session import Session, with_session
from slimml.errors import UsageError

if TYPE_CHECKING:
    from slimml.bench.benchmark import Bench, Subject
    from slimml.bench.results import Measurement, Run
    from slimml.engine.containerd import ContainerdPuller
    from slimml.engine.side_by_side import SideBySide


class What(StrEnum):
    """What can be measured."""

    SIZE = "size"
    PULL = "pull"
    START = "start"


class PullWith(StrEnum):
    """What can pull."""

    ENGINE = "engine"
    CONTAINERD = "containerd"


Images = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[IMAGE…]",
        help="Images to measure, named as for analyze; the first is what the others are compared with.",
        show_default=False,
    ),
]
Measures = Annotated[
    list[What] | None,
    typer.Option("--measure", help="Measure this; repeatable. All unless given.", show_default=False),
]
Rounds = Annotated[int, typer.Option("--rounds", metavar="N", help="Rounds that count.", min=1)]
WarmUp = Annotated[int, typer.Option("--warm-up", metavar="N", help="Rounds before them that do not.", min=0)]
Links = Annotated[
    str,
    typer.Option("--links", metavar="LINK,…", help="Pull over these: loopback, 1gbit, 100mbit+10ms, 100mbit/each."),
]
PullWithOption = Annotated[
    PullWith,
    typer.Option("--pull-with", help="What pulls: the engine, or containerd, as a Kubernetes node does (as root)."),
]
RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry",
        metavar="HOST:PORT",
        help="Pull from this registry; slimml pushes copies there. Unless given it starts one here.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE.jsonl", help="Add every measurement to this file.", show_default=False
    ),
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Draw pull and start, as .svg or .png.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(bench))


def bench(
    session: Session,
    images: Images = None,
    measure: Measures = None,
    rounds: Rounds = 5,
    warm_up: WarmUp = 1,
    links: Links = "loopback,1gbit,100mbit+10ms",
    pull_with: PullWithOption = PullWith.ENGINE,
    registry: RegistryOption = None,
    output: Output = None,
    picture: Picture = None,
    html: options.Html = None,
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
    """Measure size, cold pull and start of images side by side.

    A start is from asking for a container to the first right answer to a probe. Directories of this machine can be
    measured in place of images, where there is no engine: their size and start.
    """
    from slimml.bench.benchmark import Bench, Options, begin_run
    from slimml.bench.directory import Directory
    from slimml.bench.results import Measure
    from slimml.bench.shaping import parse_links

    host = hosting.directories_of(images or [], host_venv, host_root, host_directory, runtime)
    measures = frozenset(
        Measure(what.value) for what in (_without_pulls(measure, registry) if host else measure or What)
    )
    chosen = Options(measures, rounds, warm_up, parse_links(links), registry)
    subjects = _directories(host, venv=bool(host_venv)) if host else _images(session, images or [])
    puller = _containerd(session) if pull_with is PullWith.CONTAINERD and Measure.PULL in measures else None
    by_engine = measures - ({Measure.SIZE, Measure.PULL} if puller else {Measure.SIZE})
    engine = (host or probing.engine_for(session, runtime)) if by_engine else None
    suite, known = None, subjects[0].inventory
    if Measure.START in measures:
        suite = probing.suite_for(
            session,
            known.image,
            probes=probes,
            requests=probe,
            commands=probe_command,
            ready=ready,
            gpus=gpus,
            inventory=None if isinstance(known, Directory) else known,
            engine=engine,
        )
    run = begin_run(suite)
    found = _measure(subjects, Bench(engine, session.access, suite, chosen, session.progress, puller), run, output)
    _report(session, subjects, run, found, picture, html)


def _containerd(session: Session) -> "ContainerdPuller":
    from slimml.engine.containerd import ContainerdPuller

    return ContainerdPuller(insecure=session.access.insecure)


def _without_pulls(measure: list[What] | None, registry: str | None) -> list[What]:
    """What can be measured of a directory; raises UsageError for what cannot."""
    if registry is not None or What.PULL in (measure or ()):
        raise UsageError("a directory of this machine is in no registry to be pulled from; name an IMAGE")
    return measure or [What.SIZE, What.START]


def _images(session: Session, images: list[str]) -> list["Subject"]:
    from slimml.bench.benchmark import Subject
    from slimml.bench.results import ImageFacts
    from slimml.cli.reading import inventory_of, open_named

    found = []
    for position, words in enumerate(images):
        image = open_named(words, session)
        found.append(Subject(ImageFacts(words, image.manifest.digest, position), inventory_of(image, session)))
    return found


def _directories(host: "SideBySide", *, venv: bool) -> list["Subject"]:
    from slimml.bench.benchmark import Subject
    from slimml.bench.directory import look_into
    from slimml.bench.results import ImageFacts

    found = []
    for position, image in enumerate(host.images):
        path = str(image.reference)
        found.append(Subject(ImageFacts(path, None, position), look_into(image, Path(path), venv=venv)))
    return found


def _measure(subjects: list["Subject"], bench: "Bench", run: "Run", output: Path | None) -> list["Measurement"]:
    """Measure everything; each result is in `output` as soon as it is there."""
    from contextlib import closing

    from slimml.bench.benchmark import measure
    from slimml.bench.results import append_records

    found = []
    with closing(measure(subjects, bench)) as measured:
        for one in measured:
            found.append(one)
            if output is not None:
                append_records(output, run, [one])
    return found


def _report(
    session: Session,
    subjects: list["Subject"],
    run: "Run",
    found: list["Measurement"],
    picture: Path | None,
    html: Path | None,
) -> None:
    from slimml.bench.summary import summarize
    from slimml.report.bench import BenchReport, render_bench

    engine = next((one.engine for one in found if one.engine is not None), None)
    report = BenchReport(run, engine, tuple(one.facts for one in subjects), summarize(found))
    if session.json:
        session.answer("bench", report)
    else:
        render_bench(report, session.out)
    if picture is not None:
        from slimml.report.bench_picture import draw_bench

        draw_bench(report, found, picture)
    if html is not None:
        from slimml.cli.page import write_waiting

        write_waiting(session, html, report, found)
