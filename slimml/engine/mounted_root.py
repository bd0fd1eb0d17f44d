"""Where a container's root file system is mounted, for those who watch it from outside."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True)
class MountedRoot:
    """`path` is the mount point in the mount namespace of process `pid` of this machine.

    With `at_start` it is mounted only as the container starts, and gone again when it ends.
    """

    pid: int
    path: str
    at_start: bool = False

    @property
    def from_here(self) -> str:
        """The same directory as this process can name it (proc(5), /proc/PID/root)."""
        return f"/proc/{self.pid}/root{self.path}"


@runtime_checkable
class HasRoot(Protocol):
    """A container whose root may be a mount of its own."""

    def mounted_root(self) -> MountedRoot | None:
        """Where; None where it has no mount of its own, or not on this machine."""


def engine_process(socket_path: str) -> int | None:
    """The process that made the unix socket of an engine (unix(7), SO_PEERCRED), None where nobody answers."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(socket_path)
        told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid: int = _CREDENTIALS.unpack(told)[0]
        return pid or None
    return None
