"""GPU code by library and architecture, with what each `--gpu-arch` would take out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from slimml.report.analysis import GpuLibrary
from slimml.report.sizes import counted, share, size
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.slim.replacing.gpu_code import GpuCodeOf


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
    """Print a line per library and one for all; the bytes of the architectures add up to the GPU code."""
    table = plain_table(">file", ">GPU code", "library and its code by architecture")
    for one in libraries[:top]:
        table.add_row(*_numbers(one.size, one.by_target), _told(one.path, one.by_target))
    more = libraries[top:]
    if more:
        name = counted(len(more), "more library", "more libraries")
        table.add_row(*_numbers(sum(one.size for one in more), _sum(more)), name)
    total = _sum(libraries)
    table.add_row(*_numbers(sum(one.size for one in libraries), total), _told("all", total), style="bold")
    console.print(indented(table))
    for one in libraries:
        if one.unread:
            console.print(indented(f"not read: {visible(one.path)}: {visible(one.unread)}"))


def number_of(name: str) -> tuple[int, str]:
    """The order of architectures: compute_80 beside sm_80, then sm_90."""
    digits = "".join(letter for letter in name if letter.isdigit())
    return int(digits or 0), name


def _numbers(whole: int, by_target: Mapping[str, int]) -> tuple[str, str]:
    return size(whole), size(sum(by_target.values()))


def _told(name: str, by_target: Mapping[str, int]) -> Text:
    code = ", ".join(f"{target} {size(by_target[target])}" for target in sorted(by_target, key=number_of))
    return Text(visible(name)).append(f"\n{visible(code)}", style="dim") if code else Text(visible(name))


def _sum(libraries: Iterable[GpuLibrary]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in libraries:
        found.update(one.by_target)
    return found


def _saved(libraries: Iterable[GpuLibrary]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in libraries:
        found.update(one.saved_by)
    return found
