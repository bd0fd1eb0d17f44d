"""slimml's side of the keeper: a directory of ours, and the process that works in it until both are gone."""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from pathlib import Path
from typing import Any

import slimml
from slimml.engine.keeper import packets
from slimml.engine.keeper.identity import SubIds, map_ids
from slimml.errors import SlimmlError, Unavailable

_PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop()); from slimml.engine.keeper.serve import main; main()"
_CLOSING_SECONDS = 600
"""removing a root of a hundred thousand files takes a minute on a busy disk"""
_STARTING_SECONDS = 30


class Keeper:
    """A keeper at work in `ground`, an existing directory.

    `user` chooses a user namespace: None for ours, "root" to be root there, "self" to stay who we are, or SubIds.
    `mounts` and `network` give it namespaces of its own. `hide` are directories that its programs see empty. Raises
    Unavailable where the kernel does not allow it, saying what.
    """

    def __init__(
        self,
        ground: Path,
        *,
        user: str | SubIds | None = None,
        mounts: bool = False,
        network: bool = False,
        hide: Sequence[str] = (),
    ) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = {
            "connection": theirs.fileno(),
            "master": os.getpid(),
            "ground": str(ground),
            "user": "mapped" if isinstance(user, SubIds) else user,
            "mounts": mounts,
            "network": network,
            "hide": list(hide),
        }
        self.ground = ground
        self.user = user
        self._connection = ours
        self._sending = threading.Lock()
        self._number = 0
        self._waiting: dict[int, Future[tuple[dict[str, Any], list[int]]]] = {}
        self._ends: dict[int, Future[int]] = {}
        # Not where a checkout may hold modules of any name, nor with a stranger's environment.
        home = str(Path(slimml.__file__).parents[1])
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _PROGRAM, json.dumps(words), home],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd="/",
            )
        try:
            self._begin(user)
        except BaseException:
            self.close()
            raise
        threading.Thread(target=self._listen, name="slimml-keeper", daemon=True).start()

    def _begin(self, user: str | SubIds | None) -> None:
        self._connection.settimeout(_STARTING_SECONDS)
        if isinstance(user, SubIds):
            pid = int(self._first()["pid"])
            map_ids(pid, user)
            packets.send(self._connection, {"mapped": True})
        self._first()
        self._connection.settimeout(None)

    def _first(self) -> dict[str, Any]:
        received = packets.receive(self._connection)
        if received is None:
            raise Unavailable("the process that runs containers did not start")
        reply, _ = received
        if "error" in reply:
            raise Unavailable(f"this kernel does not let us run containers: {reply['error']}{_way_out()}")
        return dict(reply["ok"])

    @property
    def pid(self) -> int:
        """The keeper's own process."""
        return self._process.pid

    def call(self, do: str, descriptors: Sequence[int] = (), **words: Any) -> tuple[dict[str, Any], list[int]]:
        """Ask the keeper `do`; its answer and the descriptors with it. Raises OSError as it met it, Unavailable."""
        waiting: Future[tuple[dict[str, Any], list[int]]] = Future()
        with self._sending:
            self._number += 1
            number = self._number
            self._waiting[number] = waiting
            try:
                packets.send(self._connection, {"n": number, "do": do, **words}, descriptors)
            except OSError as error:
                self._waiting.pop(number, None)
                if error.errno == errno.E2BIG:
                    raise
                raise _gone() from None
        return waiting.result()

    def spawn(
        self,
        argv: Sequence[str],
        descriptors: Sequence[int] = (),
        *,
        environment: Mapping[str, str] | None = None,
        **words: Any,
    ) -> int:
        """Start a program (see `keeper.spawn`); its process ID. Its end can be asked of `ended`."""
        if environment is not None:
            words["environment"] = dict(environment)
        return int(self.call("spawn", descriptors, argv=list(argv), **words)[0]["pid"])

    def chore(self, chore: str, descriptors: Sequence[int] = (), **words: Any) -> None:
        """Have a chore done (see `keeper.chores`) and wait for its end; raises OSError."""
        code = self.ended(self.begin_chore(chore, descriptors, **words))
        if code:
            raise OSError(code, f"{chore}: {os.strerror(code)}")

    def begin_chore(self, chore: str, descriptors: Sequence[int] = (), **words: Any) -> int:
        """Have a chore begun; its process ID."""
        return int(self.call("chore", descriptors, chore=chore, **words)[0]["pid"])

    def ended(self, pid: int, timeout: float | None = None) -> int | None:
        """The exit code of a process that the keeper started or adopted, -N for signal N; None while it runs.

        Waits at most `timeout` seconds, None for ever. Raises Unavailable when the keeper is gone.
        """
        with self._sending:
            end = self._ends.setdefault(pid, Future())
        try:
            return end.result(timeout)
        except NotYet:
            return None

    def signal(self, pid: int, number: int, *, group: bool = False) -> None:
        """Send a signal to a process of the keeper's that has not ended yet; nothing happens when it has."""
        with suppress(ProcessLookupError, PermissionError):
            self.call("signal", pid=pid, signal=number, group=group)

    def socket(self, pid: int | None) -> socket.socket:
        """A TCP socket in the network of process `pid`, None for the keeper's own; raises OSError."""
        _, (descriptor,) = self.call("socket", pid=pid)
        return socket.socket(fileno=descriptor)

    def close(self) -> None:
        """Have everything ended and removed, and wait for that. Closing twice is no error."""
        with suppress(OSError):
            # Closing alone would not wake the thread that listens, nor tell the other side.
            self._connection.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        while True:
            try:
                received = packets.receive(self._connection)
            except OSError:
                received = None
            if received is None:
                self._fail()
                return
            reply, descriptors = received
            if "ended" in reply:
                with self._sending:
                    end = self._ends.setdefault(reply["ended"], Future())
                if not end.done():
                    end.set_result(reply["code"])
                continue
            answer = reply.get("ok", {})
            if "pid" in answer:
                # The number of a process that ended long ago may come again.
                with self._sending:
                    self._ends[answer["pid"]] = Future()
            waiting = self._waiting.pop(reply["n"])
            if "error" in reply:
                waiting.set_exception(OSError(reply["errno"], reply["error"]))
            else:
                waiting.set_result((answer, descriptors))

    def _fail(self) -> None:
        with self._sending:
            self._connection.close()
            left: list[Future[Any]] = [*self._waiting.values(), *self._ends.values()]
            for waiting in left:
                if not waiting.done():
                    waiting.set_exception(_gone())


def _gone() -> SlimmlError:
    return Unavailable("the process that runs containers has ended; what it ran is gone with it")


def _way_out() -> str:
    """Why an unprivileged user may not have namespaces here, as far as the kernel's settings tell."""
    if os.geteuid() == 0:
        return " (is CAP_SYS_ADMIN missing?)"
    for name, refusing in (
        ("user/max_user_namespaces", "0"),
        ("kernel/unprivileged_userns_clone", "0"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1"),
    ):
        with suppress(OSError):
            if Path("/proc/sys", name).read_text().strip() == refusing:
                return f" (sysctl {name.replace('/', '.')}={refusing}; change it, or run as root)"
    return " (user namespaces are needed; or run as root)"
