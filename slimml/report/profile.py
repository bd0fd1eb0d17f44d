"""Where a start goes, for a person and as data: phases, distributions, files, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from slimml.report.sizes import counted, number, size
from slimml.report.terminal import heading, indented, plain_table
from slimml.report.untrusted import visible
from slimml.startup.import_tree import as_tree

if TYPE_CHECKING:
    from rich.console import Console

    from slimml.bench.import_times import Cost
    from slimml.engine.container import EngineFacts
    from slimml.startup.advice import Advice
    from slimml.startup.profile import StartProfile
    from slimml.startup.touched import Touched

_LEAST_TOLD = 0.001
"""seconds: a shorter import is told only within what it was part of"""
_DEEPEST = 60
_SHOWN = 8
_CHAIN = 4


@dataclass(frozen=True)
class PhaseReport:
    """`share` of the start; `cpu` and `wait` seconds with and without a processor at work, None: not known."""

    name: str
    seconds: float
    share: float
    cpu: float | None
    wait: float | None


@dataclass(frozen=True)
class StartReport:
    """One watched start; `page_cache` is dropped, evicted or warm. `imports` is a tree of name, owner, own, total and
    children, in seconds.
    """

    page_cache: str
    seconds: float
    failure: str | None
    phases: tuple[PhaseReport, ...]
    first_inference: float | None
    second_inference: float | None
    second_answer: float | None
    distributions: tuple[Cost, ...]
    imports: dict[str, Any]
    touched: Touched
    threads: int | None
    minor_faults: int | None
    major_faults: int | None
    unseen: tuple[str, ...]


@dataclass(frozen=True)
class ProfileReport:
    """All of it. `unwatched_seconds` is a warm start without anybody within, None where it failed."""

    image: str
    question: str
    engine: EngineFacts
    starts: tuple[StartReport, ...]
    unwatched_seconds: float | None
    advice: tuple[Advice, ...]
    needs_known: bool


def start_report(profile: StartProfile) -> StartReport:
    """A start as the report has it."""
    seen, ending = profile.seen, max(profile.notes.endings, key=lambda one: one.cpu, default=None)
    told = seen or ending
    return StartReport(
        page_cache=profile.start.cooling.coldness.value,
        seconds=profile.start.seconds,
        failure=profile.start.failure,
        phases=tuple(PhaseReport(it.name, it.seconds, it.share, it.cpu, it.wait) for it in profile.phases),
        first_inference=profile.first_inference,
        second_inference=profile.second_inference,
        second_answer=profile.start.second_answer,
        distributions=profile.costs,
        imports=as_tree(profile.imports, "imports", _LEAST_TOLD, _DEEPEST),
        touched=profile.touched,
        threads=told.threads if told else None,
        minor_faults=told.minor_faults if told else None,
        major_faults=told.major_faults if told else None,
        unseen=profile.unseen,
    )


def render_profile(report: ProfileReport, console: Console) -> None:
    """Print each start, and what to do."""
    engine = " ".join(filter(None, (report.engine.name, report.engine.version, report.engine.runtime)))
    console.print(visible(f"{report.image} by {engine}, asked {report.question}"), soft_wrap=True)
    for start in report.starts:
        _start(start, console)
    if report.unwatched_seconds is not None:
        warm = next((start for start in report.starts if start.page_cache == "warm" and not start.failure), None)
        beside = f"; watched {_seconds(warm.seconds)}" if warm else ""
        console.print(f"\nA warm start that nobody watches takes {_seconds(report.unwatched_seconds)}{beside}.")
    _advice(report, console)


def _start(start: StartReport, console: Console) -> None:
    how = "warm page cache" if start.page_cache == "warm" else "cold page cache"
    heading(console, f"Start from a {how}: {_seconds(start.seconds)}")
    if start.failure:
        console.print(Text(f"  failed: {visible(start.failure)}", style="red"), soft_wrap=True)
    table = plain_table("phase", ">seconds", ">share", ">CPU", ">wait")
    for phase in start.phases:
        known = phase.cpu is not None and phase.wait is not None
        cells = [_seconds(phase.cpu or 0.0), _seconds(phase.wait or 0.0)] if known else ["", ""]
        table.add_row(visible(phase.name), _seconds(phase.seconds), f"{100 * phase.share:.1f} %", *cells)
    console.print(indented(table))
    for line in _remarks(start):
        console.print(visible(f"  {line}"), soft_wrap=True)
    _distributions(start.distributions, console)
    for line in start.unseen:
        console.print(Text(f"  not seen: {visible(line)}", style="dim"), soft_wrap=True)


def _remarks(start: StartReport) -> Iterator[str]:
    calls = [("first inference", start.first_inference), ("second", start.second_inference)]
    told = [f"{name} {_seconds(seconds)}" for name, seconds in calls if seconds is not None]
    if start.second_answer is not None:
        told.append(f"the same answer once more {_seconds(start.second_answer)}")
    if told:
        yield ", ".join(told)
    touched = start.touched
    yield (
        f"{counted(touched.opened, 'file')} opened by Python ({size(touched.opened_bytes)}), "
        f"{counted(len(touched.libraries), 'shared object')} loaded "
        f"({size(sum(one.bytes or 0 for one in touched.libraries))})"
    )
    if touched.read_bytes is not None and touched.image_bytes:
        yield (
            f"{size(touched.read_bytes)} of {size(touched.image_bytes)} came from the disk: "
            f"{counted(touched.read_files or 0, 'file')}, {counted(touched.read_pages or 0, 'page')}"
        )
    if start.minor_faults is not None:
        waited = number(start.major_faults or 0)
        faults = f"{number(start.minor_faults)} page faults within memory, {waited} that waited for a disk"
        yield faults + (f"; {counted(start.threads, 'thread')}" if start.threads else "")


def _distributions(costs: Sequence[Cost], console: Console) -> None:
    if not costs:
        return
    heading(console, "Imports by distribution")
    table = plain_table("distribution", ">own", ">with all it brings", ">modules")
    for cost in costs[:_SHOWN]:
        table.add_row(visible(cost.owner), _seconds(cost.own), _seconds(cost.cumulative), number(cost.modules))
    if len(costs) > _SHOWN:
        rest = sum(cost.own for cost in costs[_SHOWN:])
        table.add_row(f"{len(costs) - _SHOWN} more", _seconds(rest), "", "")
    console.print(indented(table))


def _advice(report: ProfileReport, console: Console) -> None:
    heading(console, "What to do")
    if not report.advice:
        console.print("  nothing that slimml knows of")
    for one in report.advice:
        measured = f"up to {_seconds(one.seconds)}" if one.seconds else "not measured"
        about = "hint, not measured" if one.hint else measured
        console.print(Text.assemble("  ", (visible(one.title), "bold"), f"  ({about})"), soft_wrap=True)
        if one.chain:
            console.print(Text(f"    by {visible(_chain(one.chain))}", style="dim"), soft_wrap=True)
        elif one.where:
            console.print(Text(f"    at {visible(one.where)}", style="dim"), soft_wrap=True)
        console.print(f"    {visible(one.remedy)}", soft_wrap=True)
    if not report.needs_known:
        console.print("  which imports are needed was not looked for (--no-needs)")


def _chain(chain: Sequence[str]) -> str:
    """The ends of a long chain, which tell most."""
    shown = [*chain[:_CHAIN], "…", *chain[-_CHAIN:]] if len(chain) > 2 * _CHAIN else chain
    return " → ".join(shown)


def _seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 0.0995 else f"{value:.2f} s"
