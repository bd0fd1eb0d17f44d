"""The keeper's own program: one thread, one loop over requests, ended children and output (see `ask` for the requests).

When the connection ends, however that came about, everything it started is killed and the ground it was given removed.
"""

import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from slimml.engine import kernel
from slimml.engine.keeper import packets
from slimml.engine.keeper.chores import CHORES, mounts_beneath, remove_tree
from slimml.engine.keeper.overlay import lay_over
from slimml.engine.keeper.spawn import spawn

Request = dict[str, Any]
_PIECE = 1 << 16


class Keeper:
    """`connection` leads to slimml; `ground` is the directory that goes when this ends."""

    def __init__(self, connection: socket.socket, ground: str, master: int) -> None:
        self._connection, self._ground = connection, ground
        # A forked child of slimml's may hold the other end of the connection, so its end is not enough to go by.
        self._master = os.pidfd_open(master)
        self._selector = selectors.DefaultSelector()
        self._outputs: dict[int, list[int]] = {}
        self._farewells: dict[str, list[str]] = {}
        self._networks: dict[int, int] = {}
        self._own_network = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._asked: dict[str, Callable[[Request, list[int]], tuple[Request, list[int]]]] = {
            "spawn": self._spawn,
            "chore": self._chore,
            "collect": self._collect,
            "overlay": self._overlay,
            "bind": self._bind,
            "unmount": self._unmount,
            "socket": self._socket,
            "signal": self._signal,
            "farewell": self._farewell,
        }

    def serve(self) -> None:
        """Answer until the connection ends."""
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._connection, selectors.EVENT_READ)
        self._selector.register(woken, selectors.EVENT_READ)
        self._selector.register(self._master, selectors.EVENT_READ)
        while True:
            ready = [key.fd for key, _ in self._selector.select()]
            for descriptor in ready:
                if descriptor in self._outputs:
                    self._pump(descriptor)
            if woken in ready:
                with suppress(BlockingIOError):
                    os.read(woken, _PIECE)
                self._reap()
            if self._master in ready or (self._connection.fileno() in ready and not self._answer()):
                return

    def close(self) -> None:
        """End everything that was started and remove the ground."""
        for farewell in self._farewells.values():
            with suppress(OSError):
                os.waitpid(spawn({"argv": farewell}, []), 0)
        _kill_all()
        _unmount_beneath(self._ground)
        remove_tree(self._ground)

    def _answer(self) -> bool:
        try:
            received = packets.receive(self._connection)
        except ConnectionResetError:
            return False
        if received is None:
            return False
        request, descriptors = received
        reply: Request = {"n": request["n"]}
        given: list[int] = []
        try:
            found, given = self._asked[request["do"]](request, descriptors)
            reply["ok"] = found
        except OSError as error:
            reply["error"], reply["errno"] = error.strerror or str(error), error.errno
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        packets.send(self._connection, reply, given)
        for descriptor in given:
            os.close(descriptor)
        return True

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            # What it said last is in its pipes by now, and belongs to what is known once its end is.
            for descriptor in list(self._outputs):
                self._pump(descriptor)
            with suppress(OSError):
                packets.send(self._connection, {"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _pump(self, descriptor: int) -> None:
        """Move what a pipe has into its file, as far as there is room; the rest is dropped."""
        file, room = self._outputs[descriptor]
        while True:
            try:
                piece = os.read(descriptor, _PIECE)
            except BlockingIOError:
                break
            if not piece:
                self._selector.unregister(descriptor)
                os.close(descriptor)
                os.close(file)
                del self._outputs[descriptor]
                return
            with suppress(OSError):
                os.write(file, piece[:room])
            room -= min(room, len(piece))
        self._outputs[descriptor][1] = room

    def _spawn(self, request: Request, descriptors: list[int]) -> tuple[Request, list[int]]:
        return {"pid": spawn(request, descriptors)}, []

    def _chore(self, request: Request, descriptors: list[int]) -> tuple[Request, list[int]]:
        """Work of ours in a child, so that nobody waits for it but who asked."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                signal.set_wakeup_fd(-1)
                kernel.die_with_parent(signal.SIGKILL)
                CHORES[request["chore"]](request, descriptors)
                code = 0
            except OSError as error:
                code = error.errno or 1
            finally:
                os._exit(code)
        return {"pid": pid}, []

    def _collect(self, request: Request, descriptors: list[int]) -> tuple[Request, list[int]]:
        """Output that comes out of a pipe goes into a file, at most `room` bytes of it."""
        pipe = os.dup(descriptors[0])
        os.set_blocking(pipe, False)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._outputs[pipe] = [os.open(request["path"], flags, 0o600), request["room"]]
        self._selector.register(pipe, selectors.EVENT_READ)
        return {}, []

    def _overlay(self, request: Request, _: list[int]) -> tuple[Request, list[int]]:
        return {"kind": lay_over(request["lower"], request["directory"], user=request["user"])}, []

    def _bind(self, request: Request, _: list[int]) -> tuple[Request, list[int]]:
        """Show a directory of this machine, with what is mounted in it, under another path."""
        os.makedirs(request["target"], exist_ok=True)
        kernel.mount(request["source"], request["target"], "", kernel.MS_BIND | kernel.MS_REC)
        return {}, []

    def _unmount(self, request: Request, _: list[int]) -> tuple[Request, list[int]]:
        _unmount_beneath(request["path"])
        return {}, []

    def _socket(self, request: Request, _: list[int]) -> tuple[Request, list[int]]:
        """A TCP socket in the network of process `pid`, or in ours."""
        pid = request["pid"]
        if pid is None:
            return {}, [_tcp()]
        if pid not in self._networks:
            self._networks[pid] = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        kernel.setns(self._networks[pid], kernel.CLONE_NEWNET)
        try:
            return {}, [_tcp()]
        finally:
            kernel.setns(self._own_network, kernel.CLONE_NEWNET)

    def _signal(self, request: Request, _: list[int]) -> tuple[Request, list[int]]:
        # A child keeps its number until it is reaped here: the number cannot have become another's.
        if request["group"]:
            with suppress(ProcessLookupError):
                os.killpg(request["pid"], request["signal"])
        os.kill(request["pid"], request["signal"])
        return {}, []

    def _farewell(self, request: Request, _: list[int]) -> tuple[Request, list[int]]:
        """A command for the end, or no longer (`argv` None); and nobody connects to `pid` any more."""
        if request["argv"] is None:
            self._farewells.pop(request["name"], None)
        else:
            self._farewells[request["name"]] = request["argv"]
        network = self._networks.pop(request["pid"], None) if request.get("pid") else None
        if network is not None:
            os.close(network)
        return {}, []


def _tcp() -> int:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC).detach()


def _kill_all() -> None:
    """Kill children until none is left; orphans of each become children meanwhile."""
    while True:
        for pid in _children():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    try:
        with open("/proc/thread-self/children", encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                # The program's name may hold anything, so fields are counted from its closing parenthesis.
                if int(file.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.append(int(name))
        return found


def _unmount_beneath(directory: str) -> None:
    for point in reversed(mounts_beneath(directory)):
        # Gone already with one above it, or held by that.
        with suppress(OSError):
            kernel.unmount(point)


def _enter_namespaces(words: Request, connection: socket.socket) -> None:
    """Namespaces of our own as `words` wants them."""
    user, group = os.getuid(), os.getgid()
    if words["user"]:
        kernel.unshare(kernel.CLONE_NEWUSER)
        if words["user"] == "mapped":  # newuidmap(1) is run by slimml, from outside
            packets.send(connection, {"n": 0, "ok": {"pid": os.getpid()}})
            packets.receive(connection)
        else:
            seen_user, seen_group = (0, 0) if words["user"] == "root" else (user, group)
            for name, text in (
                ("setgroups", "deny"),
                ("uid_map", f"{seen_user} {user} 1"),
                ("gid_map", f"{seen_group} {group} 1"),
            ):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                    file.write(text)
    if words["mounts"]:
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
        for path in words["hide"]:
            kernel.mount("tmpfs", path, "tmpfs")
    if words["network"]:
        kernel.unshare(kernel.CLONE_NEWNET)
        kernel.raise_loopback()


def main() -> None:
    """Run with the JSON object that `ask.Keeper` writes as the one argument."""
    words = json.loads(sys.argv[1])
    connection = socket.socket(fileno=words["connection"])
    connection.set_inheritable(False)
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keeper = None
    try:
        kernel.adopt_orphans()
        try:
            _enter_namespaces(words, connection)
            keeper = Keeper(connection, words["ground"], words["master"])
        except OSError as error:
            packets.send(connection, {"n": 0, "error": error.strerror or str(error), "errno": error.errno})
            return
        packets.send(connection, {"n": 0, "ok": {}})
        with suppress(BrokenPipeError, ConnectionResetError):
            keeper.serve()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if keeper is not None:
            keeper.close()
