"""`slimml record IMAGE`: which files of an image a workload uses, written to a file that optimize takes."""

from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli import options, probing
from slimml.cli.session import Session, with_session
from slimml.errors import Refused, Unavailable, UsageError

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine
    from slimml.inventory.table import Inventory
    from slimml.oci.image import Image
    from slimml.usage.recorder import Recorder
    from slimml.usage.recording import Recording


class RecorderName(StrEnum):
    """What watches; as `usage.find_recorder` knows them."""

    AUTO = "auto"
    FANOTIFY = "fanotify"
    NOTIFY = "notify"
    STRACE = "strace"
    AUDIT = "audit"


Command = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[-- COMMAND…]",
        help="Record this command (in place of the image's CMD) to its end, and no probes.",
        show_default=False,
    ),
]
Written = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default=True)]
RecorderChoice = Annotated[
    RecorderName, typer.Option("--recorder", help="What watches; auto takes the first that works.")
]
ByHand = Annotated[
    bool, typer.Option("--by-hand", help="Run the image with its ports on 127.0.0.1, record until Ctrl-C.")
]
Attach = Annotated[
    str | None,
    typer.Option(
        "--attach", metavar="CONTAINER", help="Record a container that runs, until Ctrl-C.", show_default=False
    ),
]
Merge = Annotated[
    list[Path] | None,
    typer.Option(
        "--merge", metavar="FILE", help="Put this recording into the new one; repeatable.", show_default=False
    ),
]
_STEP_SECONDS = 1.0
_Drive = Callable[["Container"], Iterable[str]]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(with_session(images=True)(record))


def record(
    session: Session,
    image: options.ImageArgument,
    command: Command = None,
    output: Written = Path("recording.jsonl"),
    recorder: RecorderChoice = RecorderName.AUTO,
    by_hand: ByHand = False,
    attach: Attach = None,
    merge: Merge = None,
    probes: probing.ProbesFile = None,
    probe: probing.Requests = None,
    probe_command: probing.Commands = None,
    ready: probing.ReadyWhen = None,
    runtime: probing.RuntimeChoice = probing.Runtime.AUTO,
    gpus: probing.Gpus = None,
) -> None:
    """Record which files of an image a workload uses.

    The workload is the probes, as for verify; or a command after `--`; or what you do by hand. The recording is for
    optimize --recording. One during which something may have been missed says so, and removes nothing.
    """
    from slimml.cli.reading import inventory_of, open_named
    from slimml.report.recording import recording_report, render_recording
    from slimml.usage.find_recorder import find_recorder
    from slimml.usage.merged import merge as merged
    from slimml.usage.recording_file import load_recording, save_recording

    if output.exists():
        raise Refused(f"{output} exists; name another file with --output (and this one with --merge to have both)")
    asked = bool(probes or probe or probe_command or ready)
    if sum((bool(command), by_hand, attach is not None, asked)) > 1:
        raise UsageError("a command, --by-hand, --attach and probes exclude each other: name one workload")
    others = [load_recording(path) for path in merge or []]
    opened = open_named(image, session)
    engine = probing.engine_for(session, runtime)
    watching = find_recorder(engine, recorder.value)
    if recorder is RecorderName.AUTO and watching.seen.recorder == RecorderName.AUDIT:
        session.remark("Only Python itself can record here. As root, or with --runtime runc, nothing would be missed.")
    inventory = inventory_of(opened, session)
    if attach is not None:
        found = _attached(session, engine, opened, attach, watching, inventory)
    elif by_hand or command:
        found = _driven(session, engine, opened, tuple(command or ()), watching, inventory, gpus)
    else:
        from slimml.usage.record import record as record_suite

        suite = probing.suite_for(
            session, opened, probes=probes, requests=probe, commands=probe_command, ready=ready, gpus=gpus,
            inventory=inventory, engine=engine,
        )  # fmt: skip
        found = record_suite(engine, opened, suite, watching, session.progress, inventory=inventory)
    whole = merged([found, *others])
    save_recording(whole, output)
    report = recording_report(str(output), whole, inventory)
    if session.json:
        session.answer("record", report)
    else:
        render_recording(report, session.out)


def _driven(
    session: Session,
    engine: "Engine",
    image: "Image",
    command: tuple[str, ...],
    recorder: "Recorder",
    inventory: "Inventory",
    gpus: str | None,
) -> "Recording":
    """A command to its end, or the image's own until the user ends it."""
    from slimml.engine.container import Resources, RunSpec
    from slimml.usage.record import record_while
    from slimml.usage.recording import Workload

    ports = _ports(image)
    spec = RunSpec(argv=command or None, ports=ports, resources=Resources(gpus=gpus))
    drive = _run_command if command else _by_hand(session, ports)
    workload = Workload("the command line", (" ".join(command),)) if command else Workload("by hand", ())
    return record_while(engine, image, spec, recorder, drive, session.progress, workload=workload, inventory=inventory)


def _attached(
    session: Session, engine: "Engine", image: "Image", name: str, recorder: "Recorder", inventory: "Inventory"
) -> "Recording":
    from slimml.engine.daemon.engine import DaemonEngine
    from slimml.engine.daemon.running import running_container
    from slimml.usage.record import record_running
    from slimml.usage.recorders.fanotify import FanotifyRecorder
    from slimml.usage.recording import Workload

    if not isinstance(engine, DaemonEngine) or not isinstance(recorder, FanotifyRecorder):
        raise Unavailable("--attach takes Docker or Podman, and fanotify, which takes root")
    container = running_container(engine, name)
    if container.image != image.config.digest:
        raise UsageError(f"container {name} runs {container.image}, which is not {image.reference}; name its image")

    def drive() -> None:
        session.remark(f"Recording {name}. Ctrl-C ends it; the container goes on.")
        _until_interrupted(lambda: not Path(f"/proc/{container.root.pid}").exists())

    workload = Workload(f"container {name}", ())
    return record_running(engine, image, container.root, recorder, drive, workload=workload, inventory=inventory)


def _run_command(container: "Container") -> Iterable[str]:
    import sys

    ended = []

    def over() -> bool:
        exited = container.wait(_STEP_SECONDS)
        ended.append(exited)
        return exited is not None

    _until_interrupted(over)
    said = container.logs()
    sys.stderr.write((said.stdout + said.stderr).decode("utf-8", "backslashreplace"))
    exited = ended[-1] if ended else None
    if exited is not None and exited.code:
        return [f"the command ended with exit code {exited.code}"]
    return []


def _by_hand(session: Session, ports: tuple[int, ...]) -> _Drive:
    def drive(container: "Container") -> Iterable[str]:
        from slimml.usage.forward import forwarded

        with forwarded(container, ports) as addresses:
            for port, address in addresses.items():
                session.remark(f"port {port} of the container: {address}")
            session.remark("Use it as it is used; Ctrl-C ends the recording.")
            _until_interrupted(lambda: container.wait(_STEP_SECONDS) is not None)
        return []

    return drive


def _until_interrupted(over: Callable[[], bool]) -> None:
    """Wait until `over` says so, which is asked every second, or until Ctrl-C."""
    import time

    try:
        while True:
            begun = time.monotonic()
            if over():
                return
            time.sleep(max(0.0, _STEP_SECONDS - (time.monotonic() - begun)))
    except KeyboardInterrupt:
        return


def _ports(image: "Image") -> tuple[int, ...]:
    """The TCP ports that the image exposes (image-spec config.md, ExposedPorts)."""
    from slimml.oci import documents

    exposed = documents.mapping(image.config.runtime, "ExposedPorts", "the image config")
    words = (name.partition("/") for name in exposed)
    return tuple(sorted(int(port) for port, _, kind in words if port.isdigit() and kind in ("", "tcp")))
