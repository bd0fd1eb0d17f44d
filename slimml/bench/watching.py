"""Sees when a container's program runs, listens or has ended: often enough to time it, without disturbing it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LISTEN = b"0A"
"""TCP_LISTEN in /proc/net/tcp; the kernel lists sockets that listen before all others"""
_TABLE_BYTES = 64 << 10
_RUNTIMES = (b"runc:[", b"crun", b"youki")
"""what the processes of runtimes are called before they become the container's own"""
_LEAST, _MOST = 0.001, 0.05
_IDLE_SHARE = 20
"""a look that took so long is followed by a pause of so many times its length: at most 5 % of one processor"""


@dataclass(frozen=True)
class Seen:
    """When something was first seen, on time.perf_counter()'s clock, and how late that can be; both in seconds."""

    at: float
    late: float


def wait_until(condition: Callable[[], bool], deadline: float) -> Seen | None:
    """Look again and again until `condition` holds; None when it does not by `deadline` (perf_counter).

    The pause between two looks is 1 ms, or 20 times what a look costs where that is longer, at most 50 ms.
    """
    late = 0.0
    while True:
        begun = time.perf_counter()
        if condition():
            now = time.perf_counter()
            return Seen(now, late + now - begun)
        now = time.perf_counter()
        if now >= deadline:
            return None
        pause = min(max(_LEAST, _IDLE_SHARE * (now - begun)), _MOST, deadline - now)
        time.sleep(pause)
        late = time.perf_counter() - begun


def is_alive(pid: int) -> bool:
    """Whether the process is there and has not ended."""
    try:
        state = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return False
    return state.rpartition(b") ")[2][:1] not in b"ZX"


def is_executed(pid: int) -> bool:
    """Whether the process runs its own program, no longer the runtime's that prepares the container."""
    try:
        # The name of the program as the kernel keeps it, proc_pid_comm(5).
        found = (_PROC / str(pid) / "comm").read_bytes()
    except OSError:
        return False
    return not found.startswith(_RUNTIMES)


def listens(pid: int, port: int) -> bool | None:
    """Whether somebody listens on a TCP port in the network of this process; None when the kernel does not tell.

    Looking is cheaper than connecting and, unlike connecting, is not answered by an engine's proxy.
    """
    wanted = b":%04X" % port
    told = False
    for table in ("tcp", "tcp6"):
        with suppress(OSError), (_PROC / str(pid) / "net" / table).open("rb", buffering=0) as file:
            told = True
            for line in file.read(_TABLE_BYTES).splitlines()[1:]:
                cells = line.split(None, 4)
                if cells[3] != _LISTEN:
                    break
                if cells[1].endswith(wanted):
                    return True
    return False if told else None


def peak_resident(pid: int) -> int | None:
    """The most memory in bytes that the process itself held so far (VmHWM); None when it is gone."""
    with suppress(OSError, ValueError, IndexError):
        for line in (_PROC / str(pid) / "status").read_bytes().splitlines():
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    return None
