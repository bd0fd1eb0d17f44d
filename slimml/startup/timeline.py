"""Gives every moment of a start to one phase: the innermost thing that the working thread was at, else what is known.

The phases add up to what was measured from outside, since each moment is counted once and what nothing explains is a
phase of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slimml.bench.start import StartPhases
    from slimml.startup.notes import Notes, Process, Span

CREATE, START, PROCESS = "create", "start", "process"
ENTRYPOINT, INTERPRETER = "entrypoint", "interpreter"
IMPORTS, COMPILING, MODEL = "imports", "compiling sources", "model load"
NAMES, NETWORK, SLEEP, CHILDREN = "name lookup", "network", "sleep", "child programs"
FIRST_INFERENCE, INFERENCE = "first inference", "further inference"
SEEN, ANSWERING, UNEXPLAINED = "until seen ready", "answering", "unexplained"
WATCHING = "slimml itself"
"""what noting costs before the program begins"""

_LABELS = {
    "import": IMPORTS,
    "compile": COMPILING,
    "model": MODEL,
    "dns": NAMES,
    "connect": NETWORK,
    "receive": NETWORK,
    "sleep": SLEEP,
    "child": CHILDREN,
    "inference": INFERENCE,
    "watch": WATCHING,
}
_WAITS = frozenset({SLEEP, CHILDREN})
"""what a thread may do while another one works, which tells more then"""


@dataclass(frozen=True)
class Segment:
    """A stretch of time on time.perf_counter()'s clock, in seconds; `cpu` seconds of processor time, None: unknown."""

    begin: float
    end: float
    label: str
    cpu: float | None = None

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin

    def part(self, begin: float, end: float) -> Segment:
        """The stretch of it between two moments, with its share of the processor time."""
        share = (end - begin) / self.seconds if self.seconds > 0 else 0.0
        return replace(self, begin=begin, end=end, cpu=None if self.cpu is None else self.cpu * share)


@dataclass(frozen=True)
class Window:
    """The moments of a start as seen from outside: the program runs from `program` on, is `ready` (None: a job, or it
    never was) and has answered or ended at `end`.
    """

    began: float
    created: float
    program: float
    ready: float | None
    end: float


def window_of(phases: StartPhases) -> Window:
    """The moments that the phases stand for."""
    named = phases.phases
    created = phases.began + named.get("create", 0.0)
    program = created + named.get("start", 0.0) + named.get("process", 0.0)
    ready = program + named["ready"] if "ready" in named else None
    return Window(phases.began, created, program, ready, phases.began + phases.seconds)


def timeline(phases: StartPhases, notes: Notes, total_cpu: float | None = None) -> tuple[Segment, ...]:
    """The whole start in order, without gaps and overlaps. `total_cpu` seconds of processor time of the program: what
    is not explained gets what the others leave of them.
    """
    window = window_of(phases)
    covered: list[Segment] = []
    for layer in (*_working(notes, window), *_waiting(notes, window), _interpreters(notes, window)):
        covered = _overlaid(covered, layer)
    found = _overlaid(covered, _outside(phases, notes, window))
    known = sum(one.cpu or 0.0 for one in found)
    rest = [one for one in found if one.label == UNEXPLAINED]
    left, missing = sum(one.seconds for one in rest), max(0.0, (total_cpu or 0.0) - known)
    if total_cpu is None or not left:
        return tuple(found)
    return tuple(
        replace(one, cpu=min(one.seconds, missing * one.seconds / left)) if one.label == UNEXPLAINED else one
        for one in found
    )


def _ranked(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Process and thread, those first that do most of the work, a process' first thread before its others."""
    work: dict[int, list[float]] = {}
    first: dict[int, int] = {}
    pairs = set()
    for span in spans:
        told = work.setdefault(span.process, [0.0, 0.0])
        first.setdefault(span.process, span.thread)
        pairs.add((span.process, span.thread))
        if span.end is not None:
            told[0] += span.end - span.begin if span.kind in ("model", "inference") else 0.0
            told[1] += span.end - span.begin if span.kind == "import" and not span.within else 0.0
    return sorted(pairs, key=lambda pair: (*(-it for it in work[pair[0]]), pair[0], pair[1] != first[pair[0]], pair[1]))


def _flattened(notes: Notes, window: Window) -> list[list[Segment]]:
    """The innermost spans of each thread, the threads as they are ranked."""
    labels = _labels(notes.spans)
    by_thread = {
        key: list(group)
        for key, group in groupby(
            sorted(notes.spans, key=lambda it: (it.process, it.thread, it.begin, it.number)),
            key=lambda it: (it.process, it.thread),
        )
    }
    return [
        [one for one in _innermost(by_thread[pair], labels, window.end) if one.begin < window.end]
        for pair in _ranked(notes.spans)
    ]


def _labels(spans: Sequence[Span]) -> dict[tuple[int, int], str]:
    first = min((span for span in spans if span.kind == "inference"), key=lambda span: span.begin, default=None)
    found = {}
    for span in spans:
        label = _LABELS.get(span.kind)
        if label is None or (span.kind == "receive" and span.detail == "inbound"):
            continue
        found[span.process, span.number] = FIRST_INFERENCE if span is first else label
    return found


def _innermost(spans: Sequence[Span], labels: dict[tuple[int, int], str], end: float) -> Iterator[Segment]:
    """One thread's spans, sorted by their beginning, as stretches that do not overlap: of nested ones the inner."""
    inner: dict[int, float] = {}
    for span in spans:
        inner[span.within] = inner.get(span.within, 0.0) + span.cpu
    stack: list[Span] = []
    last = 0.0
    for span in spans:
        while stack and (stack[-1].end or end) <= span.begin:
            closed = stack.pop()
            yield from _piece(closed, last, closed.end or end, labels, inner, end)
            last = max(last, closed.end or end)
        if stack:
            yield from _piece(stack[-1], last, span.begin, labels, inner, end)
        last = max(last, span.begin)
        stack.append(span)
    while stack:
        closed = stack.pop()
        yield from _piece(closed, last, closed.end or end, labels, inner, end)
        last = max(last, closed.end or end)


def _piece(
    span: Span, begin: float, stop: float, labels: dict[tuple[int, int], str], inner: dict[int, float], end: float
) -> Iterator[Segment]:
    label = labels.get((span.process, span.number))
    begin = max(begin, span.begin)
    if label is None or stop <= begin:
        return
    whole = (span.end or end) - span.begin
    own = max(0.0, span.cpu - inner.get(span.number, 0.0)) if span.end is not None else None
    # Of a span with others within, the parts share its own processor time by their length; close enough.
    cpu = own * (stop - begin) / whole if own is not None and whole > 0 else own
    yield Segment(begin, stop, label, cpu)


def _working(notes: Notes, window: Window) -> list[list[Segment]]:
    return [[one for one in thread if one.label not in _WAITS] for thread in _flattened(notes, window)]


def _waiting(notes: Notes, window: Window) -> list[list[Segment]]:
    return [[one for one in thread if one.label in _WAITS] for thread in _flattened(notes, window)]


def _interpreters(notes: Notes, window: Window) -> list[Segment]:
    """From each process' beginning to its first line of Python."""
    found: list[Segment] = []
    for process in notes.processes:
        begin = _begin_of(process, window)
        if begin < process.up <= window.end:
            found.append(Segment(begin, process.up, INTERPRETER, min(process.cpu, process.up - begin)))
    return _overlaid([], sorted(found, key=lambda one: one.begin))


def _begin_of(process: Process, window: Window) -> float:
    """A container's first process was made by the runtime, and became the program later."""
    if process.parent > 0 and process.birth is not None and process.birth > window.program:
        return process.birth
    # The engine's call may return when the program runs already.
    return min(window.program, max(process.up - process.cpu, window.created))


def _outside(phases: StartPhases, notes: Notes, window: Window) -> list[Segment]:
    """What is known from outside, which fills what the spans leave."""
    found: list[Segment] = []
    at = window.began
    up = min((_begin_of(process, window) for process in notes.processes), default=None)
    for name in (CREATE, START, PROCESS):
        if name in phases.phases:
            end = at + phases.phases[name]
            # The engine's call may return late: what the program does since is its own.
            found.append(Segment(at, end if up is None else max(at, min(end, up)), name))
            at = found[-1].end
    if up is not None and at < up < window.end:
        found.append(Segment(at, up, ENTRYPOINT))
        at = up
    ready = window.ready
    listened = max(
        (span.begin for span in notes.spans if span.kind == "listen" and span.begin < (ready or 0.0)), default=None
    )
    if ready is None:
        return [*found, Segment(at, window.end, UNEXPLAINED)]
    seen = max(at, listened) if listened is not None else ready
    found += [Segment(at, seen, UNEXPLAINED), Segment(seen, ready, SEEN), Segment(ready, window.end, ANSWERING)]
    return [one for one in found if one.seconds > 0]


def _overlaid(covered: list[Segment], more: Iterable[Segment]) -> list[Segment]:
    """`covered` with what of `more` (sorted) lies in its gaps."""
    found: list[Segment] = []
    place, last = 0, float("-inf")
    for one in more:
        begin = max(one.begin, last)
        while place < len(covered) and covered[place].end <= begin:
            place += 1
        at = place
        while begin < one.end:
            stop = min(covered[at].begin, one.end) if at < len(covered) else one.end
            if stop > begin:
                found.append(one.part(begin, stop))
            if at >= len(covered):
                begin = one.end
                break
            begin = max(begin, covered[at].end)
            at += 1
        last = max(last, one.end)
    return sorted([*covered, *found], key=lambda one: one.begin)
