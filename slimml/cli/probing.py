"""What commands that run images share: the options for probes and engines, and the suite and the engine they mean."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli.session import Session
from slimml.errors import UsageError

if TYPE_CHECKING:
    from slimml.engine.container import Engine
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Image
    from slimml.probes.guess import Guess
    from slimml.probes.probe import Suite


class NothingGuessed(UsageError):
    """Nobody said what to ask of an image, and nothing could be guessed."""


class Runtime(StrEnum):
    """What runs containers."""

    AUTO = "auto"
    DOCKER = "docker"
    PODMAN = "podman"
    RUNC = "runc"
    CRUN = "crun"


ProbesFile = Annotated[
    Path | None,
    typer.Option(
        "--probes",
        metavar="FILE",
        help="Probes: TOML with [probes], or YAML of container-structure-test.",
        show_default=False,
    ),
]
Requests = Annotated[
    list[str] | None,
    typer.Option(
        "--probe",
        metavar="REQUEST",
        help="Ask the service: 'GET /path', 'POST :8000/path @body.json'; repeatable.",
        show_default=False,
    ),
]
Commands = Annotated[
    list[str] | None,
    typer.Option("--probe-command", metavar="COMMAND", help="Run this inside; repeatable.", show_default=False),
]
ReadyWhen = Annotated[
    str | None,
    typer.Option(
        "--ready",
        metavar="WHEN",
        help="When the service is ready: /path, :PORT/path, PORT, log:REGEX or exit.",
        show_default=False,
    ),
]
RuntimeChoice = Annotated[
    Runtime, typer.Option("--runtime", help="What runs containers; auto takes the first that works.")
]
Gpus = Annotated[
    str | None,
    typer.Option("--gpus", metavar="GPUS", help="GPUs for the containers: all, 2, device=0.", show_default=False),
]


def suite_for(
    session: Session,
    image: "Image",
    *,
    probes: Path | None = None,
    requests: list[str] | None = None,
    commands: list[str] | None = None,
    ready: str | None = None,
    gpus: str | None = None,
    inventory: "Inventory | None" = None,
    engine: "Engine | None" = None,
    guess: bool = True,
) -> "Suite":
    """What is to be asked of `image`: what the command line says (added to --probes, where both are given), else
    --probes, else the [probes] of the settings file that holds here, else a guess, which is told. Nothing is guessed
    for a directory of this machine, and its probes have to say what it runs.

    With an `engine` a guess asks the running image, too, and keeps only what it passes. `inventory` spares taking it
    where it is known already. Where nothing may be guessed (`guess`), somebody has to have said something. Raises
    UsageError (NothingGuessed), NotFound, AccessDenied, and what the engine raises.
    """
    from slimml.oci.reference import Transport

    found = _said(image, probes, requests or [], commands or [], ready)
    if image.reference.transport is Transport.HOST:
        found = _runnable(found, str(image.reference))
    if found is None and not guess:
        raise UsageError(f"{image.reference}: guessed probes cannot judge a model; give real ones (--probes, --probe)")
    if found is None:
        found = _guessed(session, image, inventory, engine, gpus)
    if gpus is not None:
        found = replace(found, resources=replace(found.resources, gpus=gpus))
    return found


def _runnable(suite: "Suite | None", directory: str) -> "Suite":
    """The suite, if it says what a directory runs, which has no command of its own as an image has."""
    from slimml.probes.probe import BatchProbe

    if suite is None:
        raise NothingGuessed(f"{directory}: no probe is guessed for a directory; write some into a file for --probes")
    batches = [probe for probe in suite.probes if isinstance(probe, BatchProbe)]
    if suite.argv is None and (suite.ready is not None or any(batch.argv is None for batch in batches)):
        raise UsageError(
            f"{suite.origin}: nothing says what {directory} is to run; write command = [...] under [probes.service] "
            "into a file for --probes"
        )
    return suite


def engine_for(session: Session, runtime: Runtime) -> "Engine":
    """The engine that --runtime means; raises Unavailable naming what was tried, AccessDenied."""
    from slimml.engine.choose import find_engine

    return find_engine(runtime.value, session.access)


def _said(
    image: "Image", probes: Path | None, requests: list[str], commands: list[str], ready: str | None
) -> "Suite | None":
    from slimml.probes.programs import service_of
    from slimml.probes.read import has_probes, read_suite
    from slimml.probes.spoken import spoken_suite
    from slimml.settings import find_file

    service = service_of(image)
    port = service.port if service else None
    if probes is not None:
        suite = read_suite(probes, port)
        return _with_spoken(suite, requests, commands, ready, port) if requests or commands or ready else suite
    if requests or commands or ready:
        return spoken_suite(requests, commands, ready, port)
    settings = find_file(Path.cwd())
    if settings is not None and has_probes(settings):
        return read_suite(settings, port)
    return None


def _with_spoken(
    suite: "Suite", requests: list[str], commands: list[str], ready: str | None, port: int | None
) -> "Suite":
    from slimml.probes.kinds import uniquely_named
    from slimml.probes.probe import Ready
    from slimml.probes.spoken import spoken_commands, spoken_ready, spoken_request

    condition = spoken_ready(ready, port) if ready else suite.ready
    if condition is not None:
        port = condition.port or condition.tcp or port
    http = [spoken_request(words, port) for words in requests]
    if condition is None and http:
        condition = Ready(tcp=http[0].port)
    added = [*suite.probes, *http, *spoken_commands(commands, alone=condition is None)]
    origin = f"{suite.origin} and the command line"
    return replace(suite, probes=uniquely_named(added, origin), ready=condition, origin=origin)


def _guessed(
    session: Session, image: "Image", inventory: "Inventory | None", engine: "Engine | None", gpus: str | None
) -> "Suite":
    found = guess_of(session, image, inventory, gpus)
    if engine is not None and (found.suite.probes or found.suite.ready):
        found = tried(session, engine, image, found, twice=False)
    if not found.suite.probes:
        why = "".join(f"; {remark}" for remark in found.remarks)
        raise NothingGuessed(f"{image.reference}: no probe could be guessed; say one with --probe or --probes{why}")
    session.remark("The probes are guessed; `slimml init IMAGE` writes them down, to be read and made better.")
    return found.suite


def guess_of(session: Session, image: "Image", inventory: "Inventory | None", gpus: str | None) -> "Guess":
    """The guess without running the image."""
    from slimml.cli.reading import inventory_of
    from slimml.probes.guess import guess

    found = guess(image, inventory or inventory_of(image, session))
    return replace(found, suite=replace(found.suite, resources=replace(found.suite.resources, gpus=gpus)))


def tried(session: Session, engine: "Engine", image: "Image", found: "Guess", *, twice: bool) -> "Guess":
    """The guess with what the running image tells, less what it does not pass."""
    from slimml.probes.explore import explore
    from slimml.probes.settle import settle

    with engine.prepare(image, session.progress) as prepared:
        found = explore(engine, prepared, found, progress=session.progress)
        return settle(engine, prepared, found, twice=twice, progress=session.progress)
