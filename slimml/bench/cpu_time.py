"""Processor time that a program took so far, with everything that it started."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_SCHEDULED = 2
"""CPUCLOCK_SCHED: nanoseconds of all threads, those that ended too"""
_WAITED_FOR = slice(13, 15)
"""cutime and cstime among the fields of proc_pid_stat(5) after the name"""


def cpu_seconds(pid: int) -> float | None:
    """Seconds on processors of the process, of its descendants that live, and of those that were waited for.

    The living are counted to the nanosecond (clock_getcpuclockid(3)), the dead to the tick, a hundredth of a second.
    None when the process is gone.
    """
    try:
        own = time.clock_gettime(~pid << 3 | _SCHEDULED)
    except OSError:
        return None
    return own + _of_dead_children(pid) + sum(cpu_seconds(child) or 0.0 for child in _living_children(pid))


def _of_dead_children(pid: int) -> float:
    with suppress(OSError):
        fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b") ")[2].split()
        return sum(map(int, fields[_WAITED_FOR])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _living_children(pid: int) -> list[int]:
    """Of all threads; none where the kernel does not tell (CONFIG_PROC_CHILDREN)."""
    found: list[int] = []
    for file in (_PROC / str(pid) / "task").glob("*/children"):
        with suppress(OSError):
            found += map(int, file.read_bytes().split())
    return found
