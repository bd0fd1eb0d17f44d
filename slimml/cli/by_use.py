"""The side of `optimize` that takes recordings: its options, what is kept by use, and what the result says of it."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slimml.cli.option_groups import with_group
from slimml.cli.session import Session
from slimml.errors import UsageError
from slimml.usage.closure_result import Depth

if TYPE_CHECKING:
    from slimml.bloat.finding import Finding
    from slimml.cli.proving import Running
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.report.by_use import ByUseReport
    from slimml.slim.optimize import Slimmed
    from slimml.usage.recording import Recording

RecordingFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--recording",
        metavar="FILE",
        help="Keep what this recording (slimml record) used and what that needs; repeatable.",
        show_default=False,
    ),
]
RecordNow = Annotated[bool, typer.Option("--record", help="Make the recording now, of the probes.")]
RecorderName = Annotated[
    str | None,
    typer.Option("--recorder", metavar="NAME", help="What records (slimml record --help).", show_default=False),
]
DepthChoice = Annotated[
    Depth | None,
    typer.Option(
        "--depth",
        help="What a recording keeps beside what was used: whole distributions, what their used modules can import, "
        "or nothing. distribution unless set.",
        show_default=False,
    ),
]
SeccompFile = Annotated[
    Path | None,
    typer.Option(
        "--emit-seccomp",
        metavar="FILE",
        help="Write a seccomp profile of the system calls recorded.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Recorded:
    """What the command line says of recordings."""

    files: list[Path]
    now: bool
    recorder: str | None
    depth: Depth
    seccomp: Path | None

    @property
    def given(self) -> bool:
        """Whether there is a recording, or will be one."""
        return bool(self.files or self.now)


def recorded(
    files: list[Path] | None, now: bool, recorder: str | None, depth: Depth | None, seccomp: Path | None
) -> Recorded:
    """The options as they were given; raises UsageError for those that mean nothing without a recording."""
    found = Recorded(files or [], now, recorder, depth or Depth.DISTRIBUTION, seccomp)
    for option, said in (("--depth", depth), ("--emit-seccomp", seccomp)):
        if said and not found.given:
            raise UsageError(f"{option} is about a recording: give one (--recording FILE), or make one (--record)")
    if recorder and not now:
        raise UsageError("--recorder is for --record, which makes the recording now")
    return found


_OPTIONS = {
    "recording": (RecordingFiles, None),
    "record": (RecordNow, False),
    "recorder": (RecorderName, None),
    "depth": (DepthChoice, None),
    "emit_seccomp": (SeccompFile, None),
}
with_recording = with_group("said", _OPTIONS, recorded)
"""Gives a command the options of this module, and passes what they say as its argument `said`, a Recorded"""


@dataclass(frozen=True)
class ByUse:
    """What a recording tells of an image. `findings` are all there are, less what was used, with the unused.

    `profile` is the seccomp profile to write to a file, if one was asked for.
    """

    recording: "Recording"
    findings: "list[Finding]"
    report: "ByUseReport"
    profile: tuple[bytes, Path] | None

    def keep_order(self, slimmed: "Slimmed", inventory: "Inventory", store: "BlobStore") -> "Slimmed":
        """The result with the order in which its files are used."""
        from slimml.slim.start_order import with_start_order

        return with_start_order(slimmed, inventory, [self.recording], store)

    def write_profile(self) -> None:
        """Write the seccomp profile, where one was asked for; raises AccessDenied, NotFound."""
        if self.profile is None:
            return
        from slimml.oci.beneath import directory
        from slimml.oci.beside import BesideFile

        content, path = self.profile
        with directory(str(path.parent)) as root, BesideFile(root, str(path)) as file:
            file.write(content)
            file.publish(path.name)


def load_recordings(said: Recorded) -> "list[Recording]":
    """The files that the command line names; raises NotFound, AccessDenied, InvalidImage."""
    from slimml.usage.recording_file import load_recording

    return [load_recording(file) for file in said.files]


def by_use(
    session: Session,
    inventory: "Inventory",
    findings: "list[Finding]",
    said: Recorded,
    recordings: "list[Recording]",
    run: "Running | None",
) -> ByUse:
    """What the recordings keep; one more is made now with `run`, if that is given.

    Raises Refused for recordings that nothing may rest on, and for a profile that they do not tell.
    """
    from slimml.inventory.read_rows import read_rows
    from slimml.report.by_use import by_use_report
    from slimml.slim.recorded import usable_recording
    from slimml.slim.unused import findings_by_use, used_rows
    from slimml.usage.closure.close import close

    if run:
        recordings = [*recordings, _record(session, inventory, said, run)]
    recording, remarks = usable_recording(inventory, recordings)
    profile = (_profile(recording), said.seccomp) if said.seccomp else None
    read = partial(read_rows, inventory, limits=session.access.limits, progress=session.progress)
    with session.progress.task("working out what the recording needs"):
        closure = close(inventory, [recording], said.depth, read)
    kept = findings_by_use(inventory, findings, closure, used_rows(inventory, [recording]))
    report = by_use_report(inventory, recording, closure, remarks)
    return ByUse(recording, kept, report, profile)


def _profile(recording: "Recording") -> bytes:
    from slimml.usage.seccomp import seccomp_profile

    return json.dumps(seccomp_profile(recording), indent=2).encode() + b"\n"


def _record(session: Session, inventory: "Inventory", said: Recorded, run: "Running") -> "Recording":
    from slimml.usage.find_recorder import find_recorder
    from slimml.usage.record import record

    recorder = find_recorder(run.engine, said.recorder or "auto")
    name = recorder.seen.recorder
    session.remark(f"Recording with {run.engine.name} and {name}: {len(run.suite.probes)} probes, {run.suite.origin} …")
    return record(run.engine, inventory.image, run.suite, recorder, session.progress, inventory=inventory)
