"""What the kernel tells of a container's running processes: processor time, page faults, threads, mapped files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_MAPPED = re.compile(rb"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ +(/.*)$")
_RSS = b"Rss:"
_SHARED_OBJECT = re.compile(r"\.so(\.[\w.]+)*$")


@dataclass(frozen=True)
class SharedObject:
    """A library that a process has mapped. `resident` are bytes of it in that process' memory, None: not known."""

    path: str
    resident: int | None = None


@dataclass(frozen=True)
class Seen:
    """All processes of a container together, as they are now: `cpu` seconds of processor time, `threads` of the
    process that has most, the largest part of each library that is resident in one of them.
    """

    cpu: float
    minor_faults: int
    major_faults: int
    threads: int
    libraries: tuple[SharedObject, ...]


def look(pid: int) -> Seen | None:
    """The process `pid` of this machine and all others of its PID namespace, or its descendants where it has none of
    its own; None when it is gone or may not be looked at.
    """
    cpu = 0.0
    minor = major = threads = 0
    resident: dict[str, int] = {}
    met = False
    for one in _fellows(pid):
        words = _stat(one)
        if words is None:
            continue
        met = True
        cpu += (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        minor, major = minor + int(words[7]), major + int(words[9])
        threads = max(threads, int(words[17]))
        for path, size in _mapped(one):
            resident[path] = max(size, resident.get(path, 0))
    if not met:
        return None
    libraries = tuple(SharedObject(path, size) for path, size in sorted(resident.items()))
    return Seen(cpu, minor, major, threads, libraries)


def is_shared_object(path: str) -> bool:
    """Whether a mapped file is a library, by its name."""
    return _SHARED_OBJECT.search(path) is not None


def _fellows(pid: int) -> list[int]:
    try:
        space = os.readlink(_PROC / str(pid) / "ns/pid")
        own = os.readlink(_PROC / "self/ns/pid")
    except OSError:
        return [pid]
    everybody = [int(entry) for entry in os.listdir(_PROC) if entry.isdigit()]
    if space == own:
        return _descendants(pid, everybody)
    found = []
    for one in everybody:
        with suppress(OSError):
            if os.readlink(_PROC / str(one) / "ns/pid") == space:
                found.append(one)
    return found


def _descendants(pid: int, everybody: list[int]) -> list[int]:
    parents = {one: int(words[1]) for one in everybody if (words := _stat(one)) is not None}
    found = {pid}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return sorted(found)


def _stat(pid: int) -> list[bytes] | None:
    """The fields of proc_pid_stat(5) from the third on, the state."""
    try:
        return (_PROC / str(pid) / "stat").read_bytes().rpartition(b") ")[2].split()
    except OSError:
        return None


def _mapped(pid: int) -> Iterator[tuple[str, int]]:
    """Libraries that a process has mapped, with their resident bytes (proc_pid_smaps(5)), for each mapping."""
    sizes: dict[str, int] = {}
    current: str | None = None
    with suppress(OSError), (_PROC / str(pid) / "smaps").open("rb") as file:
        for line in file:
            if found := _MAPPED.match(line.rstrip(b"\n")):
                path = found[1].decode("utf-8", "surrogateescape").removesuffix(" (deleted)")
                current = path if is_shared_object(path) else None
            elif line.startswith(_RSS) and current is not None:
                sizes[current] = sizes.get(current, 0) + int(line.split()[1]) * 1024
            elif line[:1] in b"0123456789abcdef" and b"-" in line.split(b" ", 1)[0]:
                current = None
    yield from sizes.items()
