"""Recording by strace(1) around a bare runtime: slow, and the one that tells every system call by its name.

Each command of the runtime that starts a process in the container runs under a strace of its own, which writes into a
pipe that is read here while the program runs.
"""

from __future__ import annotations

import itertools
import os
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.engine.bare.engine import BareEngine
from slimml.engine.bare.onlooker import Onlooker
from slimml.engine.keeper.ground import ROOT_IN_NAMESPACE
from slimml.usage.recorders.gathered import Gathered
from slimml.usage.recorders.path_calls import OUTSIDE
from slimml.usage.recorders.reader import uses_told
from slimml.usage.recorders.strace_lines import Lines, Traced
from slimml.usage.recorders.strace_processes import Processes
from slimml.usage.recording import Seen, Use

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, Prepared, RunSpec

_ENDING_SECONDS = 10
_STRACE = ("strace", "-D", "-f", "-y", "--decode-pids=pidns", "-qqq", "-s", "0", "-e", "signal=none")
_PIECE = 1 << 16
_NUMBERS = itertools.count(1)


class StraceRecorder:
    """See `usage.recorder.Recorder`."""

    seen = Seen(
        "strace",
        (
            "what the kernel itself opens (the ELF interpreter, the program of a script)",
            "openings through io_uring",
            "openings by handle, and by programs that changed their root",
        ),
    )

    def usable(self, engine: Engine) -> str | None:
        """None when it works with this engine on this host, else why not, in words."""
        if not isinstance(engine, BareEngine):
            return f"strace traces bare runtimes, not {engine.name} (--runtime runc)"
        if shutil.which("strace") is None:
            return "strace is not installed; install the package strace"
        if subprocess.run([*_STRACE, "--version"], capture_output=True, check=False).returncode:
            return "strace is too old; install 5.13 or newer"
        return None

    @contextmanager
    def watch(self, engine: Engine, prepared: Prepared, spec: RunSpec) -> Iterator[tuple[Container, StraceWatch]]:
        """Create a container and watch it; raises what the engine raises."""
        assert isinstance(engine, BareEngine)
        keeper = engine.keeper_of(prepared)
        with ExitStack() as stack:
            watch = StraceWatch(keeper.ground, users_known=keeper.user != ROOT_IN_NAMESPACE)
            stack.callback(watch.close)
            container = stack.enter_context(engine.create(prepared, spec, Onlooker(watch.before)))
            stack.callback(watch.end)
            yield container, watch


class StraceWatch:
    """See `usage.recorder.Watch`. Pipes are made in the directory `ground`."""

    def __init__(self, ground: Path, *, users_known: bool) -> None:
        self._ground, self._users_known = ground, users_known
        self._begun = time.monotonic()
        self._gathered = Gathered()
        self._calls: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self._lock = threading.Lock()

    def before(self) -> Sequence[str]:
        """The words of one more strace, whose output is read from now on."""
        pipe = self._ground / f"strace-{next(_NUMBERS)}"
        os.mkfifo(pipe, 0o600)
        descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        thread = threading.Thread(target=self._listen, args=(descriptor,), name="slimml-strace", daemon=True)
        self._threads.append(thread)
        thread.start()
        # -D: the runtime stays the child of who started it, and its end is not that of strace.
        return (*_STRACE, "-o", str(pipe), "--")

    def _listen(self, descriptor: int) -> None:
        lines, processes, waiting = Lines(), Processes(), b""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        try:
            while not (self._over.is_set() and not poll.poll(0)):
                # Nothing is told, not even an end, before strace has opened the other side.
                if not poll.poll(200):
                    continue
                piece = os.read(descriptor, _PIECE)
                if not piece:
                    return
                *whole, waiting = (waiting + piece).split(b"\n")
                with self._lock:
                    for line in whole:
                        traced = lines.read(line.decode("utf-8", "surrogateescape"))
                        if traced is not None:
                            self._note(traced, processes)
            self._gathered.lose("strace did not end with the container")
        finally:
            os.close(descriptor)

    def _note(self, traced: Traced, processes: Processes) -> None:
        process = processes.after(traced)
        if not process.inside:
            return
        self._calls.add(traced.name)
        if traced.unfinished or not traced.paths:
            return
        self._gathered.process(traced.pid)  # for its user
        directory = process.directory
        if directory is None and any(start is None for start, _ in traced.paths):
            self._gathered.lose("a program named a relative path before its directory was known")
            return
        for path in traced.absolute(directory or ""):
            if not path.startswith(OUTSIDE):
                self._gathered.add(path, traced.operations, process.name)

    def end(self) -> None:
        """Wait until all is read that strace wrote; the container has ended."""
        deadline = time.monotonic() + _ENDING_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.close()

    def close(self) -> None:
        """Listen no more."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def uses(self) -> tuple[Use, ...]:
        """Everything that was used so far, by the names that programs gave."""
        with self._lock:
            return uses_told(self._gathered.told()["uses"], self._begun)

    def lost(self) -> tuple[str, ...]:
        """What may be missing."""
        with self._lock:
            told = self._gathered.told()
        return tuple(told["lost"]) if told["uses"] else (*told["lost"], "strace told nothing; may it trace here?")

    def syscalls(self) -> frozenset[str]:
        """Names of all system calls seen."""
        with self._lock:
            return frozenset(self._calls)

    def users(self) -> frozenset[int]:
        """User IDs that programs ran with; none where the namespace knows one user only, so that all run as root."""
        return frozenset(self._gathered.users if self._users_known else ())
