"""`slimml dockerfile build` and `slimml optimize --dockerfile`: both images built and asked the same."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slimml.cli import options, probing
from slimml.cli.session import Session
from slimml.errors import Unavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from slimml.cli.dockerfile import Opened
    from slimml.cli.proving import Asked
    from slimml.engine.container import Engine
    from slimml.oci.image import Image
    from slimml.probes.probe import Suite
    from slimml.slim.dockerfiles.programs import Builder
    from slimml.slim.dockerfiles.prove import Proven

File = Annotated[Path, typer.Argument(metavar="[FILE]", help="The Dockerfile.", show_default=False)]
ContextPlace = Annotated[
    Path | None,
    typer.Argument(metavar="[CONTEXT]", help="The build context; the file's directory unless set.", show_default=False),
]
BuildArguments = Annotated[
    list[str] | None,
    typer.Option("--build-arg", metavar="NAME=VALUE", help="A build argument; repeatable.", show_default=False),
]
Network = Annotated[
    str | None, typer.Option("--network", metavar="MODE", help="The network of RUN: host, none.", show_default=False)
]
Original = Annotated[
    str | None,
    typer.Option(
        "--original", metavar="IMAGE", help="What the file was built to, instead of building it.", show_default=False
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="The new Dockerfile: FILE.slim unless set.", show_default=False
    ),
]
TagOption = Annotated[
    str | None, typer.Option("--tag", "-t", metavar="NAME", help="Keep the new image as this.", show_default=False)
]
Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="RULE", help="Only this rule; repeatable.", show_default=False)
]
Skip = Annotated[
    list[str] | None, typer.Option("--skip", metavar="RULE", help="Not this rule; repeatable.", show_default=False)
]
LevelChoice = Annotated[options.Level, typer.Option("--level", help="How much risk to take.")]
BasesFile = Annotated[
    Path | None,
    typer.Option("--bases", metavar="FILE", help="TOML: base images that slimml does not know.", show_default=False),
]
InPlace = Annotated[bool, typer.Option("--in-place", help="Change the file itself.")]
InsteadOfImage = Annotated[
    Path | None,
    typer.Option(
        "--dockerfile",
        metavar="FILE",
        help="Mend, build and prove this Dockerfile; IMAGE is its build context then.",
        show_default=False,
    ),
]
AllowedFrontends = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-frontend",
        metavar="IMAGE",
        help="Trust this `# syntax=` that is not Docker's own; repeatable.",
        show_default=False,
    ),
]
NoVerify = Annotated[bool, typer.Option("--no-verify", help="Build and measure, but ask nothing.")]


def build(
    session: Session,
    file: File = Path("Dockerfile"),
    context: ContextPlace = None,
    level: LevelChoice = options.Level.LIKELY,
    only: Only = None,
    skip: Skip = None,
    bases: BasesFile = None,
    build_arg: BuildArguments = None,
    network: Network = None,
    allow_frontend: AllowedFrontends = None,
    original: Original = None,
    tag: TagOption = None,
    output: OutputFile = None,
    in_place: InPlace = False,
    no_verify: NoVerify = False,
    probes: probing.ProbesFile = None,
    probe: probing.Requests = None,
    probe_command: probing.Commands = None,
    ready: probing.ReadyWhen = None,
    runtime: probing.RuntimeChoice = probing.Runtime.AUTO,
    gpus: probing.Gpus = None,
) -> None:
    """Mend a Dockerfile, build it before and after, and prove the result.

    A rule whose image does not build or answers otherwise is dropped and named. Writes FILE.slim.
    """
    from slimml.cli.dockerfile import open_file, rules_for
    from slimml.cli.reading import open_named
    from slimml.slim.dockerfiles.frontend import check_frontend
    from slimml.slim.dockerfiles.prove import proven

    opened = open_file(file, context, bases)
    check_frontend(opened.build.document, allow_frontend or ())
    if in_place and output is not None:
        raise UsageError("--in-place and --output say two places; say one")

    def asked(image: "Image") -> "tuple[Engine, Suite] | None":
        about = {"probes": probes, "requests": probe, "commands": probe_command, "ready": ready, "gpus": gpus}
        return None if no_verify else _running(session, image, runtime, about)

    open_image: Callable[[str], Image] = lambda name: open_named(f"docker-daemon:{name}", session)  # noqa: E731
    builder = _builder(session, opened.build.buildkit, build_arg, network)
    chosen = rules_for(level, only, skip)
    made = proven(
        opened.build,
        chosen,
        builder,
        open_image,
        asked=asked,
        original=original or "",
        progress=session.progress,
        remark=session.remark,
    )
    with made as found:
        if found is None:
            session.remark(f"{file} stays as it is: nothing to gain")
            return
        _deliver(session, found, opened, file, file if in_place else output, tag, builder)


def _deliver(
    session: Session,
    found: "Proven",
    opened: "Opened",
    file: Path,
    output: Path | None,
    tag: str | None,
    builder: "Builder",
) -> None:
    """Write the new file, keep the image under its name where one was given, and tell."""
    from slimml.cli.dockerfile import difference, write_fixed
    from slimml.report.dockerfile_build import build_report, render_build

    target = output or file.with_name(f"{file.name}.slim")
    written = write_fixed(found.fixed, opened, target)
    if tag:
        builder.rename(found.name, tag)
    report = build_report(str(file), found, written, tag or "")
    if session.json:
        session.answer("dockerfile-build", report)
        return
    sys.stdout.write(difference(found.fixed, opened, target))
    render_build(report, session.out)


def _running(
    session: Session, image: "Image", runtime: probing.Runtime, about: "dict[str, Any]"
) -> "tuple[Engine, Suite]":
    """The engine, and what is to be asked of the image; raises what choosing them raises."""
    engine = probing.engine_for(session, runtime)
    suite = probing.suite_for(session, image, engine=engine, **about)
    session.remark(f"asking with {engine.name}: {len(suite.probes)} probes, {suite.origin} …")
    return engine, suite


def optimize_recipe(
    session: Session,
    file: Path,
    contexts: list[str],
    level: options.Level | None,
    only: list[str] | None,
    skip: list[str] | None,
    tag: str | None,
    output: str | None,
    asked: "Asked",
) -> None:
    """`slimml optimize --dockerfile FILE CONTEXT`: `build` with what optimize was told. Raises UsageError."""
    if len(contexts) != 1:
        raise UsageError("--dockerfile takes one build context in place of the image: optimize --dockerfile FILE .")
    build(
        session,
        file,
        Path(contexts[0]),
        level or options.Level.LIKELY,
        only,
        skip,
        tag=tag,
        output=Path(output) if output else None,
        no_verify=asked.verify is False,
        probes=asked.probes,
        probe=asked.requests,
        probe_command=asked.commands,
        ready=asked.ready,
        runtime=asked.runtime,
        gpus=asked.gpus,
    )


def _builder(session: Session, buildkit: bool, arguments: list[str] | None, network: str | None) -> "Builder":
    from slimml.oci.places.daemon.source import open_engine
    from slimml.slim.dockerfiles.programs import Builder, find_program

    given = {}
    for word in arguments or ():
        name, sign, value = word.partition("=")
        if not sign:
            raise UsageError(f"--build-arg {word}: not NAME=VALUE")
        given[name] = value
    try:
        host = str(open_engine(session.access).address)
    except Unavailable:
        host = ""
    return Builder(find_program(), host, given, ("--network", network) if network else (), buildkit)
