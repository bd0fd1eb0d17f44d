"""GPU code by architecture and library, as a table, with what each `--gpu-arch` would take out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from slimml.report.analysis import GpuLibrary
from slimml.report.sizes import counted, share, size
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.slim.replacing.gpu_code import GpuCodeOf

_MOST_COLUMNS = 6
"""architectures with a column of their own; the terminal has so much room"""
_OTHERS = "other GPUs"


def gpu_report(found: Iterable[GpuCodeOf]) -> tuple[GpuLibrary, ...]:
    """The libraries of an image as they are reported."""
    return tuple(
        GpuLibrary(
            path=it.path,
            layer=it.layer,
            size=it.size,
            by_target=dict(it.by_target),
            saved_by=dict(it.saved_by),
            licence=it.licence,
            may_be_changed=it.may_be_changed,
            unread=it.unread,
        )
        for it in found
    )


def render_gpu(libraries: Sequence[GpuLibrary], console: Console, top: int) -> None:
    """Print the table and, by architecture, what could go: of libraries that anybody may change, and of all."""
    heading(console, "GPU code")
    render_table(libraries, console, top)
    whole = sum(one.size for one in libraries)
    free = _saved(one for one in libraries if one.may_be_changed)
    for name, saved in sorted(_saved(libraries).items(), key=lambda it: number_of(it[0])):
        licensed = f"; {size(free[name])} without --modify-proprietary" if free[name] < saved else ""
        part = f"{size(saved)} of {size(whole)} ({share(saved, whole)})"
        console.print(indented(f"--gpu-arch {name} would take out at most {part}{licensed}"))


def render_table(libraries: Sequence[GpuLibrary], console: Console, top: int) -> None:
    """Print a line per library and one for all; every byte of them is in one column."""
    total: Counter[str] = Counter()
    for one in libraries:
        total.update(one.by_target)
    columns = sorted((name for name, _ in total.most_common(_MOST_COLUMNS)), key=number_of)
    rest = [_OTHERS] if len(total) > len(columns) else []
    table = plain_table(*(f">{name}" for name in (*columns, *rest)), ">other bytes", ">file", "library")
    for one in libraries[:top]:
        table.add_row(*_cells(one.by_target, one.size, columns, rest), visible(one.path))
    if len(libraries) > top:
        more = libraries[top:]
        their: Counter[str] = Counter()
        for one in more:
            their.update(one.by_target)
        name = f"{counted(len(more), 'more library', 'more libraries')}"
        table.add_row(*_cells(their, sum(one.size for one in more), columns, rest), name)
    table.add_row(*_cells(total, sum(one.size for one in libraries), columns, rest), "all", style="bold")
    console.print(indented(table))
    for one in libraries:
        if one.unread:
            console.print(indented(f"not read: {visible(one.path)}: {visible(one.unread)}"))


def number_of(name: str) -> tuple[int, str]:
    """The order of architectures: compute_80 beside sm_80, then sm_90."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return int(digits or 0), name


def _cells(by_target: dict[str, int], whole: int, columns: Sequence[str], rest: Sequence[str]) -> list[str]:
    named = [by_target.get(name, 0) for name in columns]
    code = sum(by_target.values())
    others = [code - sum(named)] if rest else []
    return [size(value) if value else "" for value in (*named, *others)] + [size(whole - code), size(whole)]


def _saved(libraries: Iterable[GpuLibrary]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in libraries:
        found.update(one.saved_by)
    return found
