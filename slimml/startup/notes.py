"""Reads what the lent module noted: spans of time within spans, files, what of a process only itself can tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

_NANO = 1e-9


@dataclass(frozen=True)
class Span:
    """Something that took time, in seconds on the clock of time.perf_counter() of this machine.

    `kind` is import, compile, model, inference, dns, connect, receive, sleep, child, listen, watch or missed (a library
    that could not be watched). `number` is its own within the process, `within` that of the span that it was part of, 0
    for none. `end` is None where it had not ended; `cpu` are the seconds of processor time of the whole process
    meanwhile. `where` is the file of an import, else the line of the program that did it.
    """

    process: int
    thread: int
    number: int
    within: int
    kind: str
    name: str
    begin: float
    end: float | None
    cpu: float
    where: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Process:
    """A Python process: `birth` is when it was made (to 10 ms; None where the kernel does not tell), `up` when its
    interpreter ran the first line of ours, `cpu` the processor time until then.
    """

    pid: int
    parent: int
    birth: float | None
    up: float
    cpu: float
    version: str


@dataclass(frozen=True)
class Ending:
    """What a process told of itself as it ended: seconds of processor time, page faults, threads."""

    cpu: float
    minor_faults: int
    major_faults: int
    threads: int


@dataclass(frozen=True)
class Notes:
    """Of all processes of a start. `opened` are files with the moment when Python first opened them; `mapped` what
    processes that ended had mapped; `used` are (module that was being imported or "", file, module without a file) of
    functions that were called; `facts` words by name.
    """

    processes: tuple[Process, ...] = ()
    spans: tuple[Span, ...] = ()
    opened: Mapping[str, float] = field(default_factory=dict)
    mapped: frozenset[str] = frozenset()
    used: frozenset[tuple[str, str, str]] = frozenset()
    facts: Mapping[str, str] = field(default_factory=dict)
    endings: tuple[Ending, ...] = ()


@dataclass
class _Reading:
    """Notes in the making; `open` are spans whose end was not met yet."""

    process: int = 0
    processes: list[Process] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    open: dict[tuple[int, int], Span] = field(default_factory=dict)
    opened: dict[str, float] = field(default_factory=dict)
    mapped: set[str] = field(default_factory=set)
    used: set[tuple[str, str, str]] = field(default_factory=set)
    facts: dict[str, str] = field(default_factory=dict)
    endings: list[Ending] = field(default_factory=list)

    def began(self, words: list[str]) -> None:
        pid, parent, birth, up, cpu = map(int, words[:5])
        self.process = len(self.processes) + 1
        self.processes.append(Process(pid, parent, birth * _NANO if birth else None, up * _NANO, cpu * _NANO, words[5]))

    def span(self, words: list[str]) -> None:
        number, within, thread = int(words[0]), int(words[1]), int(words[2])
        begin, end, before, after = map(int, words[4:8])
        name, where, detail = words[8:11]
        self.open.pop((self.process, number), None)
        self.spans.append(
            Span(self.process, thread, number, within, words[3], name, begin * _NANO, end * _NANO,
                 max(0, after - before) * _NANO, where, detail)
        )  # fmt: skip

    def open_span(self, words: list[str]) -> None:
        number, within, thread = int(words[0]), int(words[1]), int(words[2])
        begin = int(words[4]) * _NANO
        self.open[self.process, number] = Span(
            self.process, thread, number, within, words[3], words[6], begin, None, 0.0, words[7]
        )

    def file(self, words: list[str]) -> None:
        at = int(words[0]) * _NANO
        self.opened[words[1]] = min(at, self.opened.get(words[1], at))

    def ended(self, words: list[str]) -> None:
        self.endings.append(Ending(int(words[0]) * _NANO, int(words[1]), int(words[2]), int(words[3])))

    def use(self, words: list[str]) -> None:
        self.used.add((words[0], words[1], words[2]))

    def fact(self, words: list[str]) -> None:
        self.facts.setdefault(words[0], words[1])

    def map(self, words: list[str]) -> None:
        self.mapped.add(words[0].removesuffix(" (deleted)"))


_KINDS: Mapping[str, Callable[[_Reading, list[str]], None]] = {
    "P": _Reading.began,
    "S": _Reading.span,
    "O": _Reading.open_span,
    "F": _Reading.file,
    "M": _Reading.map,
    "R": _Reading.ended,
    "U": _Reading.use,
    "X": _Reading.fact,
}


def read_notes(streams: Iterable[bytes]) -> Notes:
    """The notes of all processes. A line that was cut off, or that the program itself wrote there, is passed over."""
    found = _Reading()
    for stream in streams:
        for line in stream.decode("utf-8", "replace").split("\n"):
            kind, *words = line.split("\t")
            take = _KINDS.get(kind)
            if take is None:
                continue
            try:
                take(found, words)
            except (ValueError, IndexError):
                continue
    spans = sorted([*found.spans, *found.open.values()], key=lambda span: (span.process, span.number))
    return Notes(
        tuple(found.processes),
        tuple(spans),
        found.opened,
        frozenset(found.mapped),
        frozenset(found.used),
        found.facts,
        tuple(found.endings),
    )
