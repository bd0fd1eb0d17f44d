"""Who a traced process is: the runtime or already the container's, where it is, which program it runs.

Told by the calls themselves: by the time that they are read, short programs have ended.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from slimml.usage.recorders.gathered import RUNTIMES
from slimml.usage.recorders.path_calls import EXEC, absolute
from slimml.usage.recorders.strace_lines import FORKS, Traced


@dataclass
class Process:
    """`directory` is its current one, without the first slash; None where no call has told it yet."""

    inside: bool
    directory: str | None = None
    name: str = ""


class Processes:
    """The processes of one strace, whose first is the runtime."""

    def __init__(self) -> None:
        self._known: dict[int, Process] = {}
        self._forking: set[int] = set()

    def after(self, traced: Traced) -> Process:
        """The process of a call, as it is after that."""
        process = self._known.get(traced.pid)
        if process is None:
            process = self._known[traced.pid] = self._born()
        if traced.name in FORKS:
            self._fork(traced, process)
        if traced.directory is not None:
            process.directory = traced.directory.strip("/")
        if traced.failed or traced.unfinished or not traced.paths:
            return process
        start, text = traced.paths[0]
        if traced.name == "chdir":
            known = process.directory if start is None else start
            process.directory = absolute(known, text) if known is not None else None
        elif traced.operations & EXEC:
            self._execute(process, text)
        return process

    def _fork(self, traced: Traced, process: Process) -> None:
        if traced.unfinished:
            self._forking.add(traced.pid)
            return
        self._forking.discard(traced.pid)
        if traced.child is not None:
            # Its number may have been another's, long ago; or it was quicker than who made it.
            known = self._known.get(traced.child)
            if known is None or not known.inside:
                self._known[traced.child] = replace(process)

    def _born(self) -> Process:
        """One that is seen before the call that made it has returned."""
        if not self._known:
            return Process(inside=False)
        parents = [self._known[pid] for pid in self._forking if pid in self._known]
        if not parents:
            return Process(inside=True)
        directories = {parent.directory for parent in parents}
        return Process(
            inside=any(parent.inside for parent in parents),
            directory=directories.pop() if len(directories) == 1 else None,
            name=parents[0].name,
        )

    @staticmethod
    def _execute(process: Process, program: str) -> None:
        name = os.path.basename(program)
        # The runtime executes itself anew, by /proc or its own name, before it becomes the program.
        if not process.inside and (program.startswith("/proc/") or name.startswith(RUNTIMES)):
            return
        process.inside, process.name = True, name
