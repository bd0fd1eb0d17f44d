"""What a recording tells besides what is unused: who watched what, rights that were not needed, where was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.table import State
from slimml.oci.tar.events import Kind
from slimml.report.recording import RecorderReport, WorkloadReport
from slimml.report.sizes import counted, number
from slimml.report.terminal import heading, indented
from slimml.report.untrusted import visible
from slimml.usage.rights import rights_used

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from slimml.inventory.table import Inventory
    from slimml.usage.closure_result import Closure
    from slimml.usage.recording import Recording

_SHOWN = 6


@dataclass(frozen=True)
class ByUseReport:
    """`used` counts paths that the recording saw, `kept` entries that stay for them, of `entries` that a container
    sees. `as_root` is null where the recorder does not tell users. Paths are absolute.
    """

    depth: str
    recorders: tuple[RecorderReport, ...]
    workloads: tuple[WorkloadReport, ...]
    used: int
    kept: int
    entries: int
    syscalls: int
    users: tuple[int, ...]
    as_root: bool | None
    unused_setuid: tuple[str, ...]
    used_setuid: tuple[str, ...]
    written: tuple[str, ...]
    written_outside: tuple[str, ...]
    notes: tuple[str, ...]


def by_use_report(
    inventory: Inventory, recording: Recording, closure: Closure, remarks: Sequence[str] = ()
) -> ByUseReport:
    """The report on a recording that drives a removal."""
    rights = rights_used(inventory, recording)
    seen = (inventory.state == State.LIVE) & (inventory.column("kind") != Kind.DIRECTORY)
    return ByUseReport(
        depth=closure.depth.value,
        recorders=tuple(RecorderReport(it.recorder, it.blind) for it in recording.seen),
        workloads=tuple(WorkloadReport(it.origin, it.parts) for it in recording.workloads),
        used=len(recording.uses),
        kept=int(np.count_nonzero(seen & closure.keep)),
        entries=int(np.count_nonzero(seen)),
        syscalls=len(recording.syscalls),
        users=rights.users,
        as_root=rights.as_root,
        unused_setuid=_absolute(rights.unused_setuid),
        used_setuid=_absolute(rights.used_setuid),
        written=_absolute(rights.written),
        written_outside=_absolute(rights.outside),
        notes=(*remarks, *closure.notes),
    )


def _absolute(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"/{path}" for path in paths)


def render_by_use(report: ByUseReport, console: Console) -> None:
    """Print what was recorded, and what it tells of rights."""
    heading(console, f"What was used, kept to the depth {report.depth}")
    for workload in report.workloads:
        parts = f" ({counted(len(workload.parts), 'part')})" if workload.parts else ""
        console.print(indented(f"recorded: {visible(workload.origin)}{parts}"))
    for recorder in report.recorders:
        blind = f"; it cannot see {', '.join(recorder.blind)}" if recorder.blind else ""
        console.print(indented(f"by {visible(recorder.recorder)}{visible(blind)}"))
    console.print(
        indented(f"{counted(report.used, 'path')} used; {number(report.kept)} of {number(report.entries)} entries stay")
    )
    if report.as_root is not None:
        console.print(indented("it ran as root" if report.as_root else "it never was root"))
    for said, paths in (
        ("setuid programs never run", report.unused_setuid),
        ("it wrote outside its own directories", report.written_outside),
    ):
        if paths:
            console.print(indented(f"{said}: {visible(_shortened(paths))}"))
    for note in report.notes[:_SHOWN]:
        console.print(indented(f"note: {visible(note)}"))
    if len(report.notes) > _SHOWN:
        console.print(indented(f"and {counted(len(report.notes) - _SHOWN, 'more note')} (--json has them all)"))


def _shortened(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return ", ".join(paths[:_SHOWN]) + more
