"""The phases of one container's start, each from the end of the one before."""

from __future__ import annotations

import time

from slimml.bench import watching
from slimml.bench.cpu_time import cpu_seconds


class Clock:
    """`phases` are seconds by name, `began` the moment on time.perf_counter()'s clock.

    `pid` is the main process on this machine, `resident` the most bytes of memory that this was seen to hold, `cpu` the
    seconds on processors that it and all it started had taken, `late` how many seconds after the event the last phase
    may have been ended.
    """

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self.began = self._last = 0.0
        self.pid: int | None = None
        self.resident: int | None = None
        self.cpu: float | None = None
        self.late = 0.0

    def begin(self) -> None:
        """Now the first phase begins."""
        self.began = self._last = time.perf_counter()

    def end(self, phase: str, at: float | None = None, late: float = 0.0) -> None:
        """The phase ended `at` that moment, now unless given."""
        now = time.perf_counter() if at is None else at
        self.phases[phase] = now - self._last
        self._last, self.late = now, late

    def look_at_memory(self) -> None:
        """Note the memory of the main process, if it is still there."""
        if self.pid is not None:
            self.resident = watching.peak_resident(self.pid) or self.resident

    def look_at_cpu(self) -> None:
        """Note the processor time up to now."""
        if self.pid is not None:
            self.cpu = cpu_seconds(self.pid)
