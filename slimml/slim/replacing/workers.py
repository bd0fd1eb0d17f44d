"""Several worker processes, one file each at a time; one that dies or hangs costs its file and is started anew."""

from __future__ import annotations

import json
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Self, cast

from slimml.slim.replacing.remembered import Result
from slimml.slim.replacing.worker import Job, receive, send

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from slimml.slim.replacing.worker import main; main()"
)
_SECONDS = 900.0
"""what a file may take at most; one that takes longer is left as it is"""

Done = Callable[[Result], None]


@dataclass(frozen=True)
class _Task:
    job: Job
    done: Done


class Workers:
    """At most `count` processes (by default one a processor). Use it as a context manager; leaving it waits for none.

    Results are handed on in threads of this process, one at a time.
    """

    def __init__(self, count: int = 0) -> None:
        most = count or len(os.sched_getaffinity(0))
        self._tasks: queue.Queue[_Task | None] = queue.Queue()
        self._lock = threading.Lock()
        self._error: BaseException | None = None
        self._stopping = threading.Event()
        self._processes: set[_Process] = set()
        self._threads = [threading.Thread(target=self._run, name="slimml-shrink", daemon=True) for _ in range(most)]
        self._started = 0

    def submit(self, job: Job, done: Done) -> None:
        """Have a job done some time; raises what a `done` before raised."""
        self._raise()
        self._tasks.put(_Task(job, done))
        if self._started < len(self._threads):
            self._threads[self._started].start()
            self._started += 1

    def finish(self) -> None:
        """Wait until all is done; raises what a `done` raised."""
        for _ in range(self._started):
            self._tasks.put(None)
        for thread in self._threads[: self._started]:
            thread.join()
        self._raise()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stopping.set()
        for process in list(self._processes):
            process.kill()
        for _ in range(self._started):
            self._tasks.put(None)
        for thread in self._threads[: self._started]:
            thread.join()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        process: _Process | None = None
        try:
            while (task := self._tasks.get()) is not None and not self._stopping.is_set():
                if process is None:
                    process = _Process()
                    self._processes.add(process)
                result = process.shrink(task.job)
                if result is None:
                    self._processes.discard(process)
                    process.kill()
                    process = None
                    left = {one.rule: "the process that worked on it ended" for one in task.job.shrinkers}
                    result = Result({}, left, settled=False)
                with self._lock:
                    task.done(result)
        except BaseException as error:
            self._error = error
        finally:
            if process is not None:
                self._processes.discard(process)
                process.kill()


class _Process:
    """One worker process."""

    def __init__(self) -> None:
        path = [place for place in sys.path if place]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _PROGRAM, json.dumps(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def shrink(self, job: Job) -> Result | None:
        """The result of a job; None where the process ended over it."""
        timer = threading.Timer(_SECONDS, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            send(cast("IO[bytes]", self._process.stdin), pickle.dumps(job))
            told = receive(cast("IO[bytes]", self._process.stdout))
            return None if told is None else Result(**json.loads(told))
        except OSError:
            return None
        finally:
            timer.cancel()

    def kill(self) -> None:
        """End it. May be called again."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                cast("IO[bytes]", stream).close()
