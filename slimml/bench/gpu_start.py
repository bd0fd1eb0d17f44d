"""The start of a service on a GPU: CUDA coming up, the memory that it takes there, the first inference."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from slimml.bench.first_answer import Gate, Question, as_expected, choose_question
from slimml.bench.import_times import Told, read_import_times
from slimml.bench.injecting import lend
from slimml.bench.nvml import Device, Nvml
from slimml.bench.start import StartPhases, measure_start
from slimml.errors import Unavailable

if TYPE_CHECKING:
    from slimml.bench.clock import Clock
    from slimml.engine.container import Container, Engine, Prepared
    from slimml.probes.probe import Suite

_LOOK_SECONDS = 0.02
NOT_ON_A_GPU = "not run on a GPU: this machine has none that can be watched"


@dataclass(frozen=True)
class GpuStart:
    """What a start did on a GPU. Seconds count from the moment at which the engine's start call began; bytes are the
    memory of all GPUs, above what was in use before.

    `cuda_seconds` is how long torch took to bring up CUDA, as told from within; `context_seconds` when a process first
    had a context, seen from outside within `resolution`; None where nobody saw it. `first_inference` and
    `second_inference` are the seconds of the first right answer and of the same once more.
    """

    phases: StartPhases
    devices: tuple[Device, ...]
    cuda_seconds: float | None = None
    context_seconds: float | None = None
    ready_bytes: int | None = None
    peak_bytes: int | None = None
    first_inference: float | None = None
    second_inference: float | None = None
    resolution: float | None = None
    remarks: tuple[str, ...] = ()


def measure_gpu_start(
    engine: Engine,
    prepared: Prepared,
    suite: Suite,
    *,
    gpus: str = "all",
    cold: bool = False,
    question: Question | None = None,
    gate: Gate = as_expected,
) -> GpuStart:
    """Start one container with GPUs (as Docker's --gpus names them) and watch them meanwhile.

    Where this machine has no GPU that can be watched, the container is asked for all the same, and the result says
    so; an engine that has none to give is a failure in the result. Raises what `measure_start` raises.
    """
    question = question or choose_question(suite)
    suite = replace(suite, resources=replace(suite.resources, gpus=gpus))
    lent, asked = lend(engine, prepared, suite, question, "cuda", {})
    told: list[Told] = []

    def look(container: Container, clock: Clock) -> None:
        del clock
        told.extend(read_import_times(container.logs().stderr).told)

    with _watching() as watch:
        phases = measure_start(engine, prepared, lent, cold=cold, question=asked, gate=gate, inspect=look)
    return _told(phases, watch, told) if watch is not None else GpuStart(phases, (), remarks=(NOT_ON_A_GPU,))


@dataclass(frozen=True)
class _Sample:
    """The state of all GPUs `at` a moment of time.perf_counter(): bytes in use, processes with a context."""

    at: float
    used: int
    processes: frozenset[int]


class _Watch:
    """Looks at all GPUs every now and then, in a thread of its own; `samples` begin before anything was started."""

    def __init__(self, library: Nvml) -> None:
        self._library = library
        self.devices = library.devices()
        self.samples = [self._look()]
        self.failure: str | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slimml-gpu", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look a last time."""
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._done.wait(_LOOK_SECONDS):
                self.samples.append(self._look())
        except Unavailable as error:
            self.failure = str(error)

    def _look(self) -> _Sample:
        at = time.perf_counter()
        used = sum(self._library.used(device.index) for device in self.devices)
        processes = frozenset(pid for device in self.devices for pid in self._library.processes(device.index))
        return _Sample(at, used, processes)


@contextmanager
def _watching() -> Iterator[_Watch | None]:
    """A watch over the GPUs of this machine; None where there are none."""
    try:
        library = Nvml()
    except Unavailable:
        yield None
        return
    with library:
        watch = _Watch(library)
        try:
            yield watch
        finally:
            watch.end()


def _told(phases: StartPhases, watch: _Watch, told: list[Told]) -> GpuStart:
    started = phases.began + phases.phases.get("create", 0.0)
    ready = phases.began + sum(seconds for name, seconds in phases.phases.items() if name != "first answer")
    before, *later = watch.samples
    appeared = next((sample.at for sample in later if sample.processes - before.processes), None)
    until_ready = [sample.used - before.used for sample in later if sample.at <= ready]
    served = "first answer" in phases.phases
    return GpuStart(
        phases=phases,
        devices=watch.devices,
        cuda_seconds=_cuda_seconds(told),
        context_seconds=appeared - started if appeared is not None else None,
        ready_bytes=until_ready[-1] if until_ready and served else None,
        peak_bytes=max((sample.used - before.used for sample in later), default=None),
        first_inference=phases.phases.get("first answer"),
        second_inference=phases.second_answer,
        resolution=max((late.at - early.at for early, late in pairwise(watch.samples)), default=None),
        remarks=(watch.failure,) if watch.failure else (),
    )


def _cuda_seconds(told: list[Told]) -> float | None:
    """From the beginning to the end of the first process' torch bringing up CUDA."""
    begun = next((one for one in told if one.what == "cuda-begin"), None)
    if begun is None:
        return None
    ended = (one.at for one in told if one.what == "cuda-end" and one.process == begun.process)
    return next((at - begun.at for at in ended), None)
