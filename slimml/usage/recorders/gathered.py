"""What the process of a recorder gathers: each path once, in order of first use, with the program that used it first.

Imported by processes that have to start quickly: nothing else of slimml may be imported here.
"""

import time
from contextlib import suppress
from typing import Any

RUNTIMES = ("runc", "crun", "conmon")
"""how the names of programs begin that make containers"""
_MOST_PATHS = 2_000_000
_MOST_PROCESSES = 20_000


class Gathered:
    """Uses of paths so far. Operations are the numbers of `usage.recording.Operation`."""

    def __init__(self) -> None:
        self._paths: dict[str, list[Any]] = {}
        self._processes: dict[int, str] = {}
        self.users: set[int] = set()
        self._strangers: set[int] = set()
        self.lost: dict[str, int] = {}
        self.met = False
        """whether every program is met before it begins (`begins`), so that none can end unseen"""

    def add(self, path: str, operations: int, process: str, seconds: float | None = None) -> None:
        """`path` was used so, now or at `seconds` on the monotonic clock."""
        known = self._paths.get(path)
        if known is not None:
            known[0] |= operations
        elif len(self._paths) < _MOST_PATHS:
            self._paths[path] = [operations, time.monotonic() if seconds is None else seconds, process]
        else:
            self.lose(f"more than {_MOST_PATHS} paths were used; uses of further ones are missing")

    def lose(self, why: str) -> None:
        """Something may be missing, for a reason that may come again."""
        self.lost[why] = self.lost.get(why, 0) + 1

    def known(self, path: str) -> bool:
        """Whether `path` was used before."""
        return path in self._paths

    def process(self, pid: int, *, executes: bool = False) -> str:
        """The name of a program by its process, "" when it has ended. Who `executes` will have another name soon.

        The user that it runs as is noted, unless it is a runtime that has not yet become the program.
        """
        if executes and not self.met and len(self._strangers) < _MOST_PROCESSES:
            self._strangers.add(pid)
        known = None if executes else self._processes.get(pid)
        if known is None:
            known = self._look(pid)
            if len(self._processes) > _MOST_PROCESSES:
                self._processes.clear()
            self._processes[pid] = known
        if executes:
            del self._processes[pid]
        return known

    def begins(self, pid: int, owner: int | None) -> None:
        """A process waits to become another program, which runs as `owner` if that is set, else as it does now."""
        user = owner if owner is not None else _name_and_user(pid)[1]
        if user is None:
            self._strangers.add(pid)
        else:
            self.users.add(user)

    def _look(self, pid: int) -> str:
        name, user = _name_and_user(pid)
        if user is not None and not name.startswith(RUNTIMES):
            self.users.add(user)
            self._strangers.discard(pid)
        return name

    def told(self) -> dict[str, Any]:
        """All of it, as JSON takes it. Users are those of all programs or none: one not seen may be root."""
        return {
            "uses": [[path, *rest] for path, rest in self._paths.items()],
            "users": sorted(self.users) if not self._strangers else [],
            "lost": [why if times == 1 else f"{why} ({times} times)" for why, times in self.lost.items()],
        }


def _name_and_user(pid: int) -> tuple[str, int | None]:
    """The name of a program and its effective user, as which files are opened; "" and None when it has ended."""
    name = ""
    # proc_pid_status(5)
    with suppress(OSError, ValueError), open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key == "Name":
                name = value.strip()
            elif key == "Uid":
                return name, int(value.split()[1])
    return name, None
