"""Sees when a container's program runs, listens or has ended: often enough to time it, without disturbing it."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slimml.engine.enter import in_network

if TYPE_CHECKING:
    from typing import Self

_PROC = Path("/proc")
_NETLINK = 16
_SOCK_DIAG = 4
_BY_FAMILY, _DUMP, _ERROR, _DONE = 20, 0x301, 2, 3
"""of netlink(7) and linux/sock_diag.h: SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, NLMSG_ERROR, NLMSG_DONE"""
_HEADER = 16
_LISTEN_STATE = 1 << 10
_ANSWER_BYTES = 1 << 16
_KERNEL_SECONDS = 5
_RUNTIMES = (b"runc:[", b"crun", b"youki")
"""what the processes of runtimes are called before they become the container's own"""
_LEAST, _MOST = 0.001, 0.05
_IDLE_SHARE = 20
"""a look that took so long is followed by a pause of so many times its length: at most 5 % of one processor"""


@dataclass(frozen=True)
class Seen:
    """When something was first seen, on time.perf_counter()'s clock, and the time from the last look that did not see
    it to the one that did: how late that may be. Both in seconds.
    """

    at: float
    late: float


def wait_until(condition: Callable[[], bool], deadline: float) -> Seen | None:
    """Look again and again until `condition` holds; None when it does not by `deadline` (perf_counter).

    The pause between two looks is 1 ms, or 20 times what a look costs where that is longer, at most 50 ms.
    """
    last: float | None = None
    while True:
        begun = time.perf_counter()
        if condition():
            return Seen(time.perf_counter(), begun - last if last is not None else 0.0)
        last, now = begun, time.perf_counter()
        if now >= deadline:
            return None
        time.sleep(min(max(_LEAST, _IDLE_SHARE * (now - begun)), _MOST, deadline - now))


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


class Listening:
    """Whether somebody listens on TCP ports in the network of a process, asked of the kernel (sock_diag(7)).

    That takes microseconds: the kernel goes through the listening sockets alone, where reading /proc/net/tcp makes it
    go through a table for all connections, milliseconds long on a large machine. Nor does asking, unlike connecting,
    wake an engine's proxy. Raises OSError where the network cannot be entered.
    """

    def __init__(self, pid: int) -> None:
        network = os.open(_PROC / str(pid) / "ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._kernel = in_network(network, lambda: socket.socket(_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG))
        finally:
            os.close(network)
        self._kernel.settimeout(_KERNEL_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._kernel.close()

    def on(self, port: int) -> bool:
        """Whether somebody listens on this port; raises OSError."""
        return any(port in self._ports(family) for family in (socket.AF_INET, socket.AF_INET6))

    def _ports(self, family: int) -> set[int]:
        # struct inet_diag_req_v2: family, protocol, extensions, states, and an identity that a dump leaves empty.
        request = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 0, _LISTEN_STATE)
        header = struct.pack("=IHHII", _HEADER + len(request), _BY_FAMILY, _DUMP, 0, 0)
        self._kernel.send(header + request)
        found: set[int] = set()
        # All of the answer is taken, or the next question would be answered with the rest of it.
        while True:
            received = self._kernel.recv(_ANSWER_BYTES)
            start = 0
            while start + _HEADER <= len(received):
                length, kind = struct.unpack_from("=IH", received, start)
                if kind in (_ERROR, _DONE):
                    return found
                # struct inet_diag_msg: four bytes, then the port of this side in the network's order.
                found.add(struct.unpack_from(">H", received, start + _HEADER + 4)[0])
                start += (length + 3) & ~3


def peak_resident(pid: int) -> int | None:
    """The most memory in bytes that the process itself held so far (VmHWM); None when it is gone."""
    with suppress(OSError, ValueError, IndexError):
        for line in (_PROC / str(pid) / "status").read_bytes().splitlines():
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    return None
