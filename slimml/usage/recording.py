"""A recording: which paths of an image a workload used, when first, how and by whom; a value with a file format."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag

RUNNING = "the container was running already: what its program used before is missing"
"""loss of a recording that began in the middle"""
PYTHON_ONLY = "what native code opens, and programs other than Python, is missing"
"""loss of a recording that Python programs made of themselves"""
PARTIAL = frozenset({RUNNING, PYTHON_ONLY})
"""losses that a complete recording of the same image makes up for"""


class Operation(IntFlag):
    """How a path was used; a path may have been used in several ways."""

    OPEN = 1
    """opened, for reading or as a mapping"""
    EXEC = 2
    """executed, or loaded by the kernel for one that was (an interpreter)"""
    LIST = 4
    """a directory that was opened, to list it"""
    STAT = 8
    """asked for: stat, access, and the like; the path may not be there"""
    READLINK = 16
    WRITE = 32
    """opened for writing, created, renamed, removed: what it holds afterwards is not the image's"""
    MISSED = 64
    """asked for or opened, and not there"""


@dataclass(frozen=True)
class Use:
    """One path, absolute inside the container and without the first slash; what is not UTF-8 is surrogate escapes.

    `first` is in seconds since the recording began, `order` counts first uses from 0. `process` is the program that
    used it first (comm), `requested` the path as the program named it where a symlink led elsewhere, "" if the same.
    """

    path: str
    operations: Operation
    first: float
    order: int
    process: str = ""
    requested: str = ""


@dataclass(frozen=True)
class Seen:
    """A recorder, by name (`fanotify`, `notify`, `strace`, `audit`), and in words what it cannot see."""

    recorder: str
    blind: tuple[str, ...]


@dataclass(frozen=True)
class Workload:
    """What was run: an origin of probes or a command, and the names of its parts."""

    origin: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Recording:
    """All uses of one image by workloads. `image` is the digest of its config, `diff_ids` its layers.

    `lost` says in words why something may be missing; a recording that lost something never drives a removal.
    `syscalls` are names of system calls seen, empty where the recorder does not tell them.
    """

    image: str
    diff_ids: tuple[str, ...]
    platform: str
    uses: tuple[Use, ...]
    seen: tuple[Seen, ...]
    workloads: tuple[Workload, ...]
    lost: tuple[str, ...] = ()
    syscalls: tuple[str, ...] = ()
    users: tuple[int, ...] = ()
    """user IDs that processes ran with"""
    hosts: tuple[str, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether removals may rest on it."""
        return not self.lost
