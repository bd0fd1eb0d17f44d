"""Where a Python program's start goes: the interpreter, the imports by distribution, the model, and what is left.

Measured in a run of its own, since watching imports slows them down: its seconds explain the others, they do not
replace them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bench.first_answer import Gate, Question, as_expected, choose_question
from slimml.bench.import_times import Cost, ImportTimes, costs_by_owner, read_import_times
from slimml.bench.injecting import lend, runs_here
from slimml.bench.module_owners import APPLICATION, owners_of_files, owners_of_modules
from slimml.bench.page_cache import Coldness, Residency, residency
from slimml.bench.start import StartPhases, measure_start

if TYPE_CHECKING:
    from slimml.bench.clock import Clock
    from slimml.bench.directory import Directory
    from slimml.engine.container import Container, Engine, Prepared
    from slimml.inventory.table import Inventory
    from slimml.probes.probe import Suite

_CODE = re.compile(r"\.(py|pyc|pyi|so|so\..*)$")
_DATA_BYTES = 256 << 10
_DATA_FILES = 12


@dataclass(frozen=True)
class DataFile:
    """A large file that the start read. `read` are the bytes that came into memory, None where nobody can tell;
    `opened` seconds after the program began, None where it was not Python that opened it.
    """

    path: str
    bytes: int
    owner: str
    read: int | None = None
    opened: float | None = None


@dataclass(frozen=True)
class PythonStart:
    """Seconds, in the order of a start; together they are the time from the program's beginning to ready.

    `interpreter` until Python is up, `imports` the own time of all modules but the application's, `program` the rest:
    the application, and the model that it loads, while it is imported or after. `since_last_import` is the part of it
    from the beginning of the last import to ready (of a job: to its end). None where nothing was told.

    `costs` are the own times of all modules imported before ready, by distribution, application and standard library;
    `later_imports` those of the first answer. `read_bytes` of `image_bytes` of files came into memory from a cold page
    cache, None where that cannot be seen.
    """

    phases: StartPhases
    interpreter: float | None
    imports: float | None
    program: float | None
    since_last_import: float | None
    costs: tuple[Cost, ...]
    data: tuple[DataFile, ...]
    later_imports: float
    processes: int
    image_bytes: int | None = None
    read_bytes: int | None = None
    remarks: tuple[str, ...] = ()


@dataclass
class _Observed:
    stream: bytes = b""
    files: Residency | None = None


def measure_python_start(
    engine: Engine,
    prepared: Prepared,
    suite: Suite,
    inventory: Inventory | Directory | None = None,
    *,
    question: Question | None = None,
    gate: Gate = as_expected,
) -> PythonStart:
    """Start one container with its imports watched, from a cold page cache where this user may.

    Raises what `measure_start` raises. A program that is no Python, or ignores PYTHON* variables, has no costs and a
    remark.
    """
    question = question or choose_question(suite)
    observed = _Observed()

    def look(container: Container, clock: Clock) -> None:
        observed.stream = container.logs().stderr
        if clock.pid is not None:
            place = prepared.handle if runs_here(engine) else f"/proc/{clock.pid}/root"
            observed.files = residency(Path(place))

    lent, asked = lend(engine, prepared, suite, question, "imports", {"PYTHONPROFILEIMPORTTIME": "1"})
    phases = measure_start(engine, prepared, lent, cold=True, question=asked, gate=gate, inspect=look)
    if phases.cooling.coldness is Coldness.WARM:
        observed.files = None
    times = read_import_times(observed.stream)
    return _told(phases, times, observed.files, owners_of_modules(inventory), owners_of_files(inventory))


def _told(
    phases: StartPhases,
    times: ImportTimes,
    files: Residency | None,
    owner_of_module: Callable[[str], str],
    owner_of_file: Callable[[str], str],
) -> PythonStart:
    begun = phases.began + sum(phases.phases.get(name, 0.0) for name in ("create", "start", "process"))
    ready = begun + sum(phases.phases.get(name, 0.0) for name in ("ready", "exit"))
    up = next((one.at for one in times.told if one.what == "up"), None)
    last = max((one.at for one in times.told if one.what == "import" and one.at <= ready), default=up)
    costs = costs_by_owner(tuple(one for one in times.imports if one.after <= ready), owner_of_module)
    imports = sum(cost.own for cost in costs if cost.owner != APPLICATION)
    return PythonStart(
        phases=phases,
        interpreter=up - begun if up is not None else None,
        imports=imports if up is not None else None,
        program=ready - up - imports if up is not None else None,
        since_last_import=ready - last if last is not None else None,
        costs=costs,
        data=_data(times, files, owner_of_file, begun),
        later_imports=sum(one.own for one in times.imports if one.after > ready),
        processes=times.processes,
        image_bytes=files.bytes if files else None,
        read_bytes=files.resident_bytes if files else None,
        remarks=tuple(_remarks(phases, times)),
    )


def _data(
    times: ImportTimes, files: Residency | None, owner_of: Callable[[str], str], begun: float
) -> tuple[DataFile, ...]:
    """What Python opened and what came into memory, the largest parts first."""
    found: dict[str, DataFile] = {}
    for file in files.files if files else ():
        if file.bytes >= _DATA_BYTES and not _CODE.search(file.path):
            found[file.path] = DataFile(file.path, file.bytes, owner_of(file.path), file.resident_bytes)
    for one in times.told:
        if one.what == "open":
            size, _, path = one.words.partition(" ")
            known = found.get(path) or DataFile(path, int(size), owner_of(path))
            if known.opened is None:
                found[path] = replace(known, opened=one.at - begun)
    largest = sorted(found.values(), key=lambda file: -(file.bytes if file.read is None else file.read))
    return tuple(largest[:_DATA_FILES])


def _remarks(phases: StartPhases, times: ImportTimes) -> Iterator[str]:
    if not times.told:
        yield "the program is no Python, or one that ignores PYTHON* variables (-I, -E, -S): its imports are not known"
    if times.processes > 1:
        yield f"{times.processes} Python processes imported at the same time: their seconds add up to more than passed"
    if phases.cooling.reason:
        yield phases.cooling.reason
