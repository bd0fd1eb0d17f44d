"""Connections into the network namespace of a process on this machine.

A socket belongs to the namespace that it was made in, wherever it is connected from (network_namespaces(7)). A thread
enters it for as long as making a socket takes, since namespaces are a thread's own. Where that is not allowed (no
thread may enter the user namespace of a rootless container) a child does, and hands sockets over (unix(7), SCM_RIGHTS).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import slimml
from slimml.engine import kernel
from slimml.errors import Unavailable

if TYPE_CHECKING:
    from typing import Self

_PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop()); from slimml.engine.enter_child import main; main()"
_STARTING_SECONDS = 30

T = TypeVar("T")


class Door:
    """A way into the network of process `pid`, which stays open until it is closed, also after that process ended.

    Raises ProcessLookupError when there is no such process, Unavailable where we may not enter its namespaces
    (another user's, a host that this is a container of).
    """

    def __init__(self, pid: int) -> None:
        self._child: _Child | None = None
        self._network = -1
        try:
            self._network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            in_network(self._network, lambda: None)
        except FileNotFoundError:
            raise ProcessLookupError(f"process {pid} has ended") from None
        except OSError:
            self.close()
            self._child = _Child(pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def connect(self, port: int, timeout: float) -> socket.socket:
        """A TCP connection to `port` on the loopback in there; `timeout` in seconds. Raises OSError."""
        made = in_network(self._network, _tcp_socket) if self._child is None else self._child.socket()
        try:
            made.settimeout(timeout)
            made.connect(("127.0.0.1", port))
        except BaseException:
            made.close()
            raise
        return made

    def close(self) -> None:
        """Let the child end. Closing twice is no error."""
        if self._network >= 0:
            os.close(self._network)
            self._network = -1
        if self._child is not None:
            self._child.close()


def in_network(network: int, make: Callable[[], T]) -> T:
    """What `make` gives when a thread calls it that has entered a network namespace, given as an open /proc/PID/ns/net.

    Raises OSError (EPERM, where this user may not enter it), and what `make` raises.
    """
    found: list[T] = []
    failed: list[Exception] = []

    def enter() -> None:
        try:
            kernel.setns(network, kernel.CLONE_NEWNET)
            found.append(make())
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=enter, name="slimml-network")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


def _tcp_socket() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


class _Child:
    """A process in the namespaces of process `pid`, which makes sockets; raises as a Door does."""

    def __init__(self, pid: int) -> None:
        home = str(Path(slimml.__file__).parents[1])
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._connection = ours
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _PROGRAM, str(pid), str(theirs.fileno()), home],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/",
            )
        try:
            ours.settimeout(_STARTING_SECONDS)
            said = ours.recv(256)
            if said != b"in":
                number, _, text = said.decode().partition(" ")
                if number == "gone":
                    raise ProcessLookupError(f"process {pid} has ended")
                raise Unavailable(f"the network of process {pid} cannot be entered: {text or 'no answer'}; run as root")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def socket(self) -> socket.socket:
        """A TCP socket of the namespace."""
        self._connection.sendall(b"socket")
        _, descriptors, _, _ = socket.recv_fds(self._connection, 16, 1)
        if not descriptors:
            raise ConnectionResetError("the child that makes sockets has ended")
        made = socket.socket(fileno=descriptors[0])
        made.set_inheritable(False)
        return made

    def close(self) -> None:
        """Let the child end. Closing twice is no error."""
        self._connection.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STARTING_SECONDS)


def connect_inside(pid: int, port: int, timeout: float) -> socket.socket:
    """A TCP connection to `port` on the loopback of process `pid`; raises OSError, Unavailable as a Door does.

    May cost the start of a process each time: whoever connects more than once keeps a Door.
    """
    with Door(pid) as door:
        return door.connect(port, timeout)


def can_enter(pid: int) -> bool:
    """Whether process `pid` is one of this machine whose namespaces this user may see."""
    with suppress(OSError):
        os.close(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        return True
    return False
