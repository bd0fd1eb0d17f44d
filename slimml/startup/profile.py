"""Profiles one start: a container whose Python notes what it does, held against what is seen from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bench.first_answer import Gate, Question, as_expected, choose_question
from slimml.bench.injecting import runs_here
from slimml.bench.module_owners import owners_of_files, owners_of_modules
from slimml.bench.page_cache import Coldness, residency
from slimml.bench.start import StartPhases, measure_start
from slimml.probes.probe import HttpProbe
from slimml.startup import processes
from slimml.startup.import_tree import Node, costs, import_tree
from slimml.startup.lending import lend
from slimml.startup.needed import needed_owners, unneeded
from slimml.startup.notes import Notes, read_notes
from slimml.startup.timeline import Segment, timeline, window_of
from slimml.startup.touched import touched

if TYPE_CHECKING:
    from slimml.bench.clock import Clock
    from slimml.bench.directory import Directory
    from slimml.bench.import_times import Cost
    from slimml.bench.page_cache import Residency
    from slimml.engine.container import Container, Engine, Prepared
    from slimml.inventory.table import Inventory
    from slimml.probes.probe import Suite
    from slimml.startup.needed import Unneeded
    from slimml.startup.processes import Seen
    from slimml.startup.touched import Touched


@dataclass(frozen=True)
class Phase:
    """A part of a start in `seconds`, `share` of the whole; `cpu` seconds of processor time, None: not known."""

    name: str
    seconds: float
    share: float
    cpu: float | None

    @property
    def wait(self) -> float | None:
        """Seconds in which the processor did not work for it; None where that is not known."""
        return None if self.cpu is None else max(0.0, self.seconds - self.cpu)


@dataclass(frozen=True)
class StartProfile:
    """One start, watched from within. `phases` add up to `start.seconds`; `segments` are the same in order of time.

    `second_inference` is the second call of a model in seconds. `unseen` says in words what could not be seen here.
    """

    start: StartPhases
    phases: tuple[Phase, ...]
    segments: tuple[Segment, ...]
    imports: tuple[Node, ...]
    costs: tuple[Cost, ...]
    touched: Touched
    notes: Notes
    seen: Seen | None
    first_inference: float | None
    second_inference: float | None
    unseen: tuple[str, ...] = ()

    @property
    def cold(self) -> bool:
        """Whether the page cache was made cold before."""
        return self.start.cooling.coldness is not Coldness.WARM


@dataclass
class _Observed:
    streams: list[bytes] = field(default_factory=list)
    files: Residency | None = None
    seen: Seen | None = None


@dataclass(frozen=True)
class Subject:
    """What is profiled: an image made ready, or a directory in its place, and what is asked of it."""

    engine: Engine
    prepared: Prepared
    suite: Suite
    inventory: Inventory | Directory | None
    question: Question
    gate: Gate = as_expected


def subject(
    engine: Engine,
    prepared: Prepared,
    suite: Suite,
    inventory: Inventory | Directory | None = None,
    question: Question | None = None,
    gate: Gate = as_expected,
) -> Subject:
    """The subject with the question that stands for the image's work; raises UsageError where there is none."""
    return Subject(engine, prepared, suite, inventory, question or choose_question(suite), gate)


def profile_start(about: Subject, *, cold: bool) -> StartProfile:
    """Start one container, watched, from a cold page cache if that is asked for and this user may.

    Raises what `measure_start` raises; what the image does wrong is a failure in `start`.
    """
    phases, observed = _started(about, cold=cold, wanted="")
    notes = read_notes(observed.streams)
    if phases.cooling.coldness is Coldness.WARM:
        observed.files = None
    total = observed.seen.cpu if observed.seen else sum(ending.cpu for ending in notes.endings) or None
    segments = timeline(phases, notes, total)
    window = window_of(phases)
    roots = import_tree(notes, owners_of_modules(about.inventory), window.end)
    inferences = [span for span in notes.spans if span.kind == "inference" and span.end is not None]
    took = [(span.end or 0.0) - span.begin for span in sorted(inferences, key=lambda span: span.begin)]
    owner_of_file = owner_of_path(about)
    return StartProfile(
        start=phases,
        phases=_phases(segments),
        segments=segments,
        imports=roots,
        costs=costs(roots),
        touched=touched(notes, observed.seen, observed.files, window.end, _sizes(about), owner_of_file),
        notes=notes,
        seen=observed.seen,
        first_inference=took[0] if took else None,
        second_inference=took[1] if len(took) > 1 else None,
        unseen=tuple(_unseen(about, phases, notes, observed)),
    )


def find_unneeded(about: Subject, profile: StartProfile) -> tuple[Unneeded, ...] | None:
    """Start once more with every call watched, which is slow, and hold the calls against the imports of `profile`.

    None where nothing was noted. Raises what `measure_start` raises.
    """
    _, observed = _started(about, cold=False, wanted="use")
    notes = read_notes(observed.streams)
    if not notes.used:
        return None
    needed = needed_owners(notes, owners_of_modules(about.inventory), owner_of_path(about))
    return unneeded(profile.imports, needed)


def unwatched_start(about: Subject) -> StartPhases:
    """A warm start without anybody within, to tell what watching costs. Raises what `measure_start` raises."""
    return measure_start(
        about.engine, about.prepared, about.suite, cold=False, question=about.question, gate=about.gate
    )


def owner_of_path(about: Subject) -> Callable[[str], str]:
    """A function from an absolute path to whose the file is; a module's by its name where there is no inventory."""
    known = owners_of_files(about.inventory)
    by_module = owners_of_modules(about.inventory)

    def owner_of(path: str) -> str:
        owner = known(path)
        if owner:
            return owner
        _, found, within = path.rpartition("-packages/")
        if found:
            return by_module(within.partition("/")[0].partition(".")[0])
        return by_module("os") if "/lib/python3" in path else by_module("__main__")

    return owner_of


def _started(about: Subject, *, cold: bool, wanted: str) -> tuple[StartPhases, _Observed]:
    observed = _Observed()
    with lend(about.engine, about.prepared, about.suite, about.question, wanted) as lent:

        def look(container: Container, clock: Clock) -> None:
            observed.streams = lent.read()
            if clock.pid is not None:
                observed.seen = processes.look(clock.pid)
                place = about.prepared.handle if runs_here(about.engine) else f"/proc/{clock.pid}/root"
                observed.files = residency(Path(place)) if cold else None

        found = measure_start(
            about.engine, about.prepared, lent.suite, cold=cold, question=lent.question, gate=about.gate, inspect=look
        )
        if not observed.streams:
            observed.streams = lent.read()
    return found, observed


def _phases(segments: Sequence[Segment]) -> tuple[Phase, ...]:
    """Segments of the same label together, in the order in which they first happened."""
    whole = sum(one.seconds for one in segments)
    seconds: dict[str, float] = {}
    cpu: dict[str, float | None] = {}
    for one in segments:
        seconds[one.label] = seconds.get(one.label, 0.0) + one.seconds
        if one.cpu is not None:
            cpu[one.label] = (cpu.get(one.label) or 0.0) + one.cpu
    return tuple(Phase(name, took, took / whole if whole else 0.0, cpu.get(name)) for name, took in seconds.items())


def _sizes(about: Subject) -> Callable[[str], int | None]:
    """Sizes of files by absolute path: the inventory's, or of what lies on this machine where that is what runs."""
    from slimml.bench.directory import Directory

    inventory = about.inventory
    if inventory is None or isinstance(inventory, Directory):
        root = "" if runs_here(about.engine) else about.prepared.handle
        return lambda path: _size_here(Path(root + path))
    sizes = inventory.column("size")
    live: Mapping[str, int] = inventory.live

    def size_of(path: str) -> int | None:
        row = live.get(path.lstrip("/"))
        return None if row is None else int(sizes[row])

    return size_of


def _size_here(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


def _unseen(about: Subject, phases: StartPhases, notes: Notes, observed: _Observed) -> Iterator[str]:
    """What could not be seen of this start, and why."""
    if not notes.processes:
        yield (
            "the program is no Python, or one that ignores PYTHON* variables (-I, -E, -S): what it does is not known, "
            "only the phases as seen from outside"
        )
    for span in notes.spans:
        if span.kind == "missed":
            yield f"a library has another form than slimml knows, so that its work has no phase of its own: {span.name}"
    if observed.seen is None:
        ended = bool(notes.endings)
        yield (
            "the process had ended, or is not on this machine: its threads and resident pages are not known"
            + ("; libraries and processor time are as it told them itself" if ended else ", nor its processor time")
        )
    if phases.cooling.reason:
        yield phases.cooling.reason
    if not phases.cooling.reason and phases.cooling.coldness is not Coldness.WARM and observed.files is None:
        yield "which pages came into memory is told to root only, of a process that runs still"
    if notes.processes and isinstance(about.question, HttpProbe):
        kinds = {span.kind for span in notes.spans}
        if "inference" not in kinds:
            yield "no inference was seen: only those of ONNX Runtime and PyTorch are"
