"""Native files for a person or a program: where their bytes are, what GPUs need of them, what was taken out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.native.architectures import name_of
from slimml.report.analysis import GpuLibrary
from slimml.report.gpu import render_gpu
from slimml.report.sizes import counted, share, size
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible
from slimml.slim.replacing.gpu import USUAL_TARGETS

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.native.inspect import NativeFile
    from slimml.slim.replacing.directory import TrimmedDirectory

_SHOWN = 20
_NOT_FOUND = "no file with GPU code"


@dataclass(frozen=True)
class GpuCodeReport:
    """Elements of one kind (cubin, ptx, lto) for one target in one section; bytes with their headers."""

    section: str
    kind: str
    target: str
    elements: int
    bytes: int


@dataclass(frozen=True)
class PartReport:
    """Bytes that are no GPU code."""

    name: str
    bytes: int


@dataclass(frozen=True)
class NativeReport:
    """A file: `gpu` and `parts` add up to `size`. `saved_by` is what `--gpu-arch` would take out at most, by target."""

    path: str
    size: int
    machine: str
    gpu: tuple[GpuCodeReport, ...]
    parts: tuple[PartReport, ...]
    fixed: tuple[str, ...]
    saved_by: Mapping[str, int]


@dataclass(frozen=True)
class NativeListReport:
    """The native files of a directory that have GPU code, or the one that was named; `unread` says why not, by path."""

    path: str
    files: tuple[NativeReport, ...]
    unread: Mapping[str, str]


@dataclass(frozen=True)
class TrimmedFileReport:
    """A file that became smaller."""

    path: str
    before: int
    after: int
    did: str


@dataclass(frozen=True)
class NativeTrimReport:
    """What `native trim` did; `before` and `after` are bytes of all files of the directory."""

    target: str
    backup: str | None
    files: tuple[TrimmedFileReport, ...]
    left: Mapping[str, str]
    licences: Mapping[str, str]
    before: int
    after: int


def native_report(path: str, found: NativeFile, targets: Iterable[int] = ()) -> NativeReport:
    """The report on one file; `targets` (compute capabilities times ten) are asked about beside the usual ones."""
    asked = sorted({*targets, *USUAL_TARGETS})
    return NativeReport(
        path=path,
        size=found.size,
        machine=found.machine,
        gpu=tuple(GpuCodeReport(it.section, it.kind, it.target, it.elements, it.bytes) for it in found.gpu),
        parts=tuple(PartReport(part.name, part.bytes) for part in found.parts),
        fixed=found.fixed,
        saved_by={name_of(target): found.droppable([target]) for target in asked},
    )


def trim_report(found: TrimmedDirectory) -> NativeTrimReport:
    """The report on a directory."""
    return NativeTrimReport(
        target=str(found.target),
        backup=str(found.backup) if found.backup else None,
        files=tuple(TrimmedFileReport(it.path, it.before, it.after, it.did) for it in found.files),
        left=found.left,
        licences=found.licences,
        before=found.before,
        after=found.after,
    )


def render_native(report: NativeListReport, console: Console) -> None:
    """Print one file in full, or several by architecture."""
    if len(report.files) == 1:
        _render_file(report.files[0], console)
    elif report.files:
        libraries = [_as_library(file) for file in report.files]
        libraries.sort(key=lambda it: (-sum(it.by_target.values()), it.path))
        render_gpu(libraries, console, _SHOWN)
    else:
        console.print(indented(_NOT_FOUND))
    for path, reason in list(report.unread.items())[:_SHOWN]:
        console.print(indented(f"not read: {visible(path)}: {visible(reason)}"))


def _render_file(file: NativeReport, console: Console) -> None:
    heading(console, visible(file.path))
    table = plain_table(">bytes", ">elements", "what")
    for code in sorted(file.gpu, key=lambda it: -it.bytes):
        table.add_row(size(code.bytes), str(code.elements), f"{code.kind} for {code.target} in {visible(code.section)}")
    for part in sorted(file.parts, key=lambda it: -it.bytes):
        table.add_row(size(part.bytes), "", visible(part.name))
    table.add_row(size(file.size), "", f"all of it ({file.machine})")
    console.print(indented(table))
    for name, saved in file.saved_by.items() if file.gpu else ():
        console.print(indented(f"--gpu-arch {name} would take out at most {size(saved)} ({share(saved, file.size)})"))
    for remark in file.fixed:
        console.print(indented(f"note: {visible(remark)}"))


def render_trim(report: NativeTrimReport, console: Console) -> None:
    """Print the largest gains, the sum, what stays and why, and where the result and the originals are."""
    heading(console, visible(report.target))
    table = plain_table(">before", ">after", ">less", "file")
    for file in sorted(report.files, key=lambda it: it.after - it.before)[:_SHOWN]:
        less = share(file.before - file.after, file.before)
        table.add_row(size(file.before), size(file.after), less, visible(file.path))
    console.print(indented(table))
    if len(report.files) > _SHOWN:
        console.print(indented(f"and {counted(len(report.files) - _SHOWN, 'more file')} (--json lists them)"))
    less = share(report.before - report.after, report.before)
    console.print(indented(f"all files: {size(report.before)} → {size(report.after)} ({less} less)"))
    if report.licences:
        console.print(
            indented(
                f"unchanged: {counted(len(report.licences), 'library', 'libraries')} with GPU code under licences that "
                "forbid changed copies, or that are not known; --modify-proprietary changes them, too"
            )
        )
    if report.backup:
        console.print(f"  originals: {visible(report.backup)}", soft_wrap=True)


def _as_library(file: NativeReport) -> GpuLibrary:
    by_target: Counter[str] = Counter()
    for code in file.gpu:
        by_target[code.target] += code.bytes
    return GpuLibrary(file.path, 0, file.size, dict(by_target), dict(file.saved_by), "", may_be_changed=True)
