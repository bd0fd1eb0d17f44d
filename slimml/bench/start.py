"""Times the start of one container: create, start, its program, ready, first right answer, the same once more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.bench import readiness, watching
from slimml.bench.clock import Clock
from slimml.bench.first_answer import Gate, Question, as_expected, choose_question
from slimml.bench.page_cache import Coldness, Cooling, make_cold
from slimml.errors import SlimmlError
from slimml.probes import expect
from slimml.probes.answer import Answer
from slimml.probes.ask import ENGINE_TROUBLE, ask_http, service_spec
from slimml.probes.ending import told_end
from slimml.probes.probe import BatchProbe, CommandProbe, HttpProbe
from slimml.probes.runs import alone_spec, answer_of_job, batch_spec
from slimml.probes.variables import substituted

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, Prepared, RunSpec
    from slimml.probes.probe import Suite

Inspect = Callable[["Container", Clock], None]

_EXECUTED_SECONDS = 10.0
"""for the runtime's process to become the container's program"""
_RIGHT_SECONDS = 30.0
"""for a service that says it is ready to give the first right answer"""
_FIRST_PAUSE, _GROWTH = 0.005, 0.02
"""between questions to such a service: seconds, then a share of the time that it has taken already"""
_LOOK_SECONDS = 0.05
"""between looks at the memory of a job, whose process will be gone when it has ended"""


@dataclass(frozen=True)
class StartPhases:
    """One start. `phases` are seconds by name, in order, each from the end of the one before:

    `create` and `start` are the engine's calls; `process` until the image's own program was seen to run; then, of a
    service, `ready` and `first answer` (its last byte was read and it was right), of a job `exit`.

    `began` is time.perf_counter() as creating began; `second_answer` the seconds of asking the same once more;
    `resolution` how late, at most, `ready` was seen. `peak_memory` is the control group's, page cache included,
    `peak_resident` the main process' own; both bytes, None where nobody counts. `cpu_seconds` is what a service's
    processes had taken of the processors when the first right answer was there; of a job None, whose processes are gone
    by then. `attempts` counts questions until the right answer. `failure` says in words why there was none; the phases
    end before it.
    """

    question: str
    phases: Mapping[str, float]
    cooling: Cooling
    began: float
    second_answer: float | None = None
    resolution: float = 0.0
    peak_memory: int | None = None
    peak_resident: int | None = None
    cpu_seconds: float | None = None
    attempts: int = 0
    failure: str | None = None

    @property
    def seconds(self) -> float:
        """From asking for the container to the first right answer, or to the end of a job."""
        return sum(self.phases.values())


@dataclass
class _Found:
    """What was found besides the times."""

    second: float | None = None
    attempts: int = 0
    failure: str | None = None


def measure_start(
    engine: Engine,
    prepared: Prepared,
    suite: Suite,
    *,
    cold: bool,
    question: Question | None = None,
    gate: Gate = as_expected,
    inspect: Inspect | None = None,
) -> StartPhases:
    """Start one container of an image and take its times.

    With `cold` the page cache is emptied first as far as this user may; `cooling` in the result says how far. `gate`
    says which answers are right. `inspect` is called when all is timed, before the container is removed.

    What the image does wrong is a failure in the result. Raises UsageError when the suite has nothing to time a start
    with, and Unavailable, AccessDenied, Unsupported when the engine cannot do it.
    """
    suite = substituted(suite, prepared.image)
    question = question or choose_question(suite)
    cooling = make_cold(_directories(prepared)) if cold else Cooling(Coldness.WARM)
    clock, found = Clock(), _Found()
    peak: int | None = None
    try:
        with _running(engine, prepared, _spec(suite, question), clock) as container:
            if isinstance(question, HttpProbe) or (isinstance(question, CommandProbe) and not question.alone):
                _time_service(container, clock, suite, question, gate, found)
            else:
                _time_job(container, clock, question, gate, found)
            peak = container.peak_memory()
            clock.look_at_memory()
            if inspect is not None:
                inspect(container, clock)
    except ENGINE_TROUBLE:
        raise
    except SlimmlError as error:
        found.failure = found.failure or str(error)
    return StartPhases(
        question=question.name,
        phases=clock.phases,
        cooling=cooling,
        began=clock.began,
        second_answer=found.second,
        resolution=clock.late,
        peak_memory=peak,
        peak_resident=clock.resident,
        cpu_seconds=clock.cpu,
        attempts=found.attempts,
        failure=found.failure,
    )


def _directories(prepared: Prepared) -> list[Path]:
    """Where the image's files lie, if the engine's name for it is a directory."""
    return [Path(prepared.handle)] if prepared.handle.startswith("/") else []


def _spec(suite: Suite, question: Question) -> RunSpec:
    match question:
        case BatchProbe():
            return batch_spec(suite, question)
        case CommandProbe(alone=True):
            return alone_spec(suite, question)
        case _:
            return service_spec(suite)


@contextmanager
def _running(engine: Engine, prepared: Prepared, spec: RunSpec, clock: Clock) -> Iterator[Container]:
    """A container whose program was seen to run."""
    clock.begin()
    with engine.create(prepared, spec) as container:
        clock.end("create")
        container.start()
        clock.end("start")
        clock.pid = pid = container.pid()
        if pid is not None:
            seen = watching.wait_until(lambda: watching.is_executed(pid), time.perf_counter() + _EXECUTED_SECONDS)
            if seen is not None:
                clock.end("process", seen.at)
        yield container


def _time_service(
    container: Container, clock: Clock, suite: Suite, question: HttpProbe | CommandProbe, gate: Gate, found: _Found
) -> None:
    assert suite.ready is not None
    ready = readiness.wait_until_ready(container, suite.ready, clock.pid)
    if isinstance(ready, str):
        found.failure = ready
        return
    clock.end("ready", ready.at, ready.late)
    while True:
        answer = _ask(container, question)
        now = time.perf_counter()
        found.attempts += 1
        wrong = gate(answer)
        if wrong is None:
            break
        waited = now - ready.at
        exited = container.wait(max(_FIRST_PAUSE, waited * _GROWTH))
        if exited is not None or waited > _RIGHT_SECONDS:
            ending = f"; the service {told_end(exited, container.logs())}" if exited is not None else ""
            found.failure = f"{question.name}: {wrong}{ending}"
            return
    clock.end("first answer", now, clock.late)
    clock.look_at_cpu()
    again = _ask(container, question)
    wrong = gate(again)
    found.second, found.failure = (again.seconds, None) if wrong is None else (None, f"asked again: {wrong}")


def _time_job(container: Container, clock: Clock, question: Question, gate: Gate, found: _Found) -> None:
    assert isinstance(question, BatchProbe | CommandProbe)
    with _memory_watched(clock):
        exited = container.wait(question.timeout)
        now = time.perf_counter()
    answer = answer_of_job(container, question, exited, now - clock.began)
    found.attempts = 1
    wrong = gate(answer)
    if wrong is None:
        clock.end("exit", now)
    else:
        found.failure = f"{question.name}: {wrong}"


def _ask(container: Container, question: HttpProbe | CommandProbe) -> Answer:
    if isinstance(question, HttpProbe):
        return ask_http(container, question)
    begun = time.perf_counter()
    try:
        said = container.execute(
            question.argv,
            environment=question.environment,
            user=question.user,
            directory=question.directory,
            stdin=question.stdin,
            timeout=question.timeout,
        )
    except TimeoutError:
        return Answer(question.name, None, failure=f"did not end within {question.timeout:g} s")
    seconds = time.perf_counter() - begun
    complaints = expect.of_output(question, said.code, said.stdout, said.stderr)
    return Answer(question.name, said.code, (), said.stdout, said.stderr, seconds=seconds, complaints=complaints)


@contextmanager
def _memory_watched(clock: Clock) -> Iterator[None]:
    """Look at the memory of the process every now and then, while something else is waited for."""
    done = threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_SECONDS):
            clock.look_at_memory()

    watcher = threading.Thread(target=look, name="slimml-memory", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
