"""What a recording says of an image: how much of it was used, of whom, and what may be missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.report.sizes import counted, number, share, size
from slimml.report.untrusted import visible
from slimml.usage.recording import Operation

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.inventory.table import Inventory
    from slimml.usage.recording import Recording

_SHOWN = 10
_CONTENT = Operation.OPEN | Operation.EXEC


@dataclass(frozen=True)
class OwnerUse:
    """Whose files: `files` and `bytes` are all of them, the used ones were opened or executed."""

    owner: str
    files: int
    bytes: int
    used_files: int
    used_bytes: int


@dataclass(frozen=True)
class RecorderReport:
    """What watched, and what it cannot see."""

    recorder: str
    blind: tuple[str, ...]


@dataclass(frozen=True)
class WorkloadReport:
    """What was run."""

    origin: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class RecordingReport:
    """A recording of an image. `files` and `bytes` are the regular files of its merged root, the used ones were opened
    or executed. `operations` counts paths by what was done to them. `lost` says what may be missing: empty for a
    recording that removals may rest on.
    """

    file: str
    image: str
    config: str
    complete: bool
    lost: tuple[str, ...]
    recorders: tuple[RecorderReport, ...]
    workloads: tuple[WorkloadReport, ...]
    files: int
    bytes: int
    used_files: int
    used_bytes: int
    operations: dict[str, int]
    owners: tuple[OwnerUse, ...]
    syscalls: int
    users: tuple[int, ...]


def recording_report(file: str, recording: Recording, inventory: Inventory) -> RecordingReport:
    """The report on a recording that is in `file`."""
    sizes, owner = inventory.column("size"), inventory.owner
    regular = (inventory.state == State.LIVE) & np.isin(inventory.column("kind"), (Kind.FILE, Kind.HARDLINK))
    used = np.zeros(len(sizes), np.bool_)
    rows = (inventory.live.get(use.path) for use in recording.uses if use.operations & _CONTENT)
    used[[row for row in rows if row is not None]] = True
    used &= regular
    operations = Counter(str(one.name).lower() for use in recording.uses for one in use.operations)
    owners = []
    for position, one in enumerate(inventory.owners):
        own = regular & (owner == position)
        if own.any():
            both = own & used
            owners.append(
                OwnerUse(one.label, int(own.sum()), int(sizes[own].sum()), int(both.sum()), int(sizes[both].sum()))
            )
    return RecordingReport(
        file=file,
        image=str(inventory.image.reference),
        config=recording.image,
        complete=recording.complete,
        lost=recording.lost,
        recorders=tuple(RecorderReport(seen.recorder, seen.blind) for seen in recording.seen),
        workloads=tuple(WorkloadReport(one.origin, one.parts) for one in recording.workloads),
        files=int(regular.sum()),
        bytes=int(sizes[regular].sum()),
        used_files=int(used.sum()),
        used_bytes=int(sizes[used].sum()),
        operations=dict(sorted(operations.items())),
        owners=tuple(sorted(owners, key=lambda one: (one.used_bytes - one.bytes, one.owner))),
        syscalls=len(recording.syscalls),
        users=recording.users,
    )


def render_recording(report: RecordingReport, console: Console) -> None:
    """Print what was used of whom, the largest unused first, and what may be missing."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("owner")
    for heading in ("files", "used", "bytes", "used"):
        table.add_column(heading, justify="right")
    for one in report.owners[:_SHOWN]:
        cells = (number(one.files), number(one.used_files), size(one.bytes), size(one.used_bytes))
        table.add_row(visible(one.owner), *cells)
    console.print(table)
    if len(report.owners) > _SHOWN:
        console.print(f"… and {counted(len(report.owners) - _SHOWN, 'more owner')} (--json lists them)", style="dim")
    console.print(
        f"{number(report.used_files)} of {counted(report.files, 'file')} were opened: {size(report.used_bytes)} of "
        f"{size(report.bytes)} ({share(report.used_bytes, report.bytes)})"
    )
    told = ", ".join(f"{name} {number(count)}" for name, count in report.operations.items())
    console.print(f"paths by what was done: {told}", soft_wrap=True)
    for seen in report.recorders:
        console.print(f"{seen.recorder} cannot see: {'; '.join(seen.blind)}", style="dim", soft_wrap=True)
    for words in report.lost:
        console.print(visible(f"incomplete: {words}"), style="bold", soft_wrap=True)
    state = "written" if report.complete else "written; nothing is removed on the ground of an incomplete recording"
    console.print(visible(f"{report.file} {state}"), soft_wrap=True)
