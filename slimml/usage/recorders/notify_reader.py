"""The process that a kernel asks about each system call that names a path (seccomp_unotify(2)); it lets all go on.

Requests come as lines of JSON on standard input, answers go to standard output. The first answer names the socket at
which the runtime hands over its listeners. When this ends while the program runs, its calls fail: it ends after it.
"""

import fcntl
import gc
import json
import os
import select
import shutil
import socket
import struct
import sys
import tempfile
import threading
import time
from contextlib import suppress
from typing import NamedTuple

from slimml.usage.recorders import path_calls
from slimml.usage.recorders.gathered import Gathered

_RECEIVE, _SEND, _SET_FLAGS = 0xC0502100, 0xC0182101, 0x40082104
_ASKED = struct.Struct("=QIIiIQ6Q")
_ANSWER = struct.Struct("=QqiI")
_CONTINUE, _SYNC_WAKE_UP = 1, 1
_PATH_BYTES = 4096
_PAGE = os.sysconf("SC_PAGESIZE")
_MOST_MEMORIES = 256
_MOST_NOTED = 100_000
_MESSAGE_BYTES = 1 << 20
_PIECE = 1 << 16
_GROUND_BYTES = 85
"""of the 107 that unix(7) allows the path of a socket"""
_AT_FDCWD = -100 & 0xFFFFFFFF


class _Notice(NamedTuple):
    pid: int
    number: int
    machine: int
    arguments: list[int]


class Reader:
    """All listeners of one container."""

    def __init__(self, ground: str) -> None:
        machine = path_calls.known_machine()
        if machine is None:
            raise OSError(0, "the numbers of this machine's system calls are not known")
        position, self._machine = machine
        self._calls = {
            call.numbers[position]: (name, call)
            for name, call in path_calls.CALLS.items()
            if call.numbers[position] is not None
        }
        self._gathered = Gathered()
        self._noted: dict[tuple[str | None, bytes, int, str], float] = {}
        self._memories: dict[int, int] = {}
        self._noting = threading.Lock()
        # In a directory that is removed whatever happens, if the name of a socket may be as long.
        fits = len(os.fsencode(ground)) < _GROUND_BYTES
        self._directory = tempfile.mkdtemp(prefix="slimml-", dir=ground if fits else None)
        self.path = f"{self._directory}/s"
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(self.path)
        self._door.listen()
        self._poll = select.poll()
        for opened in (sys.stdin.fileno(), self._door.fileno()):
            self._poll.register(opened, select.POLLIN)
        self._waiting = b""

    def serve(self) -> None:
        """Let system calls go on, and answer requests, until there is nobody to answer."""
        try:
            while True:
                for descriptor, _ in self._poll.poll():
                    if descriptor == self._door.fileno():
                        self._let_in()
                    elif not self._answer():
                        return
        finally:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _answer(self) -> bool:
        data = os.read(sys.stdin.fileno(), _PIECE)
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        for _ in lines:
            with self._noting:
                self._settle()
                answer = self._gathered.told()
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        return bool(data)

    def _let_in(self) -> None:
        """A listener, from the runtime (runtime-spec, config-linux.md, containerProcessState)."""
        connection, _ = self._door.accept()
        with connection:
            _, descriptors, _, _ = socket.recv_fds(connection, _MESSAGE_BYTES, 4, socket.MSG_CMSG_CLOEXEC)
        for listener in descriptors:
            # Waking the reader on the processor of who waits for it; Linux has it since 6.6.
            with suppress(OSError):
                fcntl.ioctl(listener, _SET_FLAGS, _SYNC_WAKE_UP)
            threading.Thread(target=self._hear, args=[listener], daemon=True).start()

    def _hear(self, listener: int) -> None:
        """Let the calls of one listener go on as long as there may be any.

        A thread that waits in the kernel's own call wakes with less ado than one that polls for all listeners.
        """
        while True:
            asked = bytearray(_ASKED.size)
            try:
                fcntl.ioctl(listener, _RECEIVE, asked, True)
            except OSError:
                if _ended(listener):
                    os.close(listener)
                    return
                continue  # who asked was killed meanwhile
            number, pid, _, call, machine, _, *arguments = _ASKED.unpack(asked)
            try:
                with self._noting:
                    self._note(_Notice(pid, call, machine, arguments))
            finally:
                with suppress(OSError):
                    fcntl.ioctl(listener, _SEND, bytearray(_ANSWER.pack(number, 0, 0, _CONTINUE)), True)

    def _note(self, notice: _Notice) -> None:
        found = self._calls.get(notice.number) if notice.machine == self._machine else None
        if found is None:
            self._gathered.lose("a program of another machine type (32 bits) ran, whose calls are not understood")
            return
        name, call = found
        operations = call.operations
        if call.flags is not None:
            operations = path_calls.opening(operations, self._flags(notice, name, call.flags))
        executes = bool(operations & path_calls.EXEC)
        process = self._gathered.process(notice.pid, executes=executes)
        for start, argument in call.places:
            text = self._text(notice.pid, notice.arguments[argument])
            if text:
                base = None if text.startswith(b"/") else self._base(notice, start)
                # Who made the call waits: what can be found out later is.
                self._noted.setdefault((base, text, operations, process), time.monotonic())
        if executes:
            self._forget(notice.pid)
        if len(self._noted) >= _MOST_NOTED:
            self._settle()

    def _settle(self) -> None:
        """Gather what was noted."""
        for (base, text, operations, process), seconds in self._noted.items():
            path = path_calls.absolute(base or "", os.fsdecode(text))
            if base != "" and not path.startswith(path_calls.OUTSIDE):
                self._gathered.add(path, operations, process, seconds)
        self._noted.clear()

    def _flags(self, notice: _Notice, name: str, argument: int) -> int:
        value = notice.arguments[argument]
        if name != "openat2":
            return value
        data = self._memory(notice.pid, value, 8)  # struct open_how begins with them
        return int.from_bytes(data, sys.byteorder)

    def _text(self, pid: int, address: int) -> bytes:
        """A path out of a program's memory; none where it passed no pointer, or a bad one, which fails by itself."""
        if address == 0:
            return b""
        data = self._memory(pid, address, _PAGE - address % _PAGE)
        text, end, _ = data.partition(b"\0")
        if data and not end:
            text, end, _ = (data + self._memory(pid, address + len(data), _PATH_BYTES)).partition(b"\0")
        return text if end else b""

    def _memory(self, pid: int, address: int, size: int) -> bytes:
        for _ in range(2):
            known = self._memories.get(pid)
            try:
                if known is None:
                    if len(self._memories) >= _MOST_MEMORIES:
                        for other in list(self._memories):
                            self._forget(other)
                    known = self._memories[pid] = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
                if data := os.pread(known, size, address):
                    return data
            except PermissionError:
                self._gathered.lose("a program's memory could not be read")
                return b""
            except OSError:
                pass
            # Nothing there: memory of what ran before under this number, or a pointer that leads nowhere.
            self._forget(pid)
        return b""

    def _forget(self, pid: int) -> None:
        known = self._memories.pop(pid, None)
        if known is not None:
            os.close(known)

    def _base(self, notice: _Notice, start: int | None) -> str:
        """Where a relative path starts; "" when there is no such descriptor, and the call fails."""
        # The kernel takes the lower half of the argument only.
        descriptor = _AT_FDCWD if start is None else notice.arguments[start] & 0xFFFFFFFF
        place = "cwd" if descriptor == _AT_FDCWD else f"fd/{descriptor}"
        try:
            return os.readlink(f"/proc/{notice.pid}/{place}")
        except OSError:
            return ""


def _ended(listener: int) -> bool:
    """Whether no process is left that a listener could hear of."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _end(arguments: threading.ExceptHookArgs) -> None:
    """End altogether when one listener does: calls that nobody answers would wait for ever, and now they fail."""
    sys.excepthook(arguments.exc_type, arguments.exc_value or arguments.exc_type(), arguments.exc_traceback)
    os._exit(1)


def main() -> None:
    """Run with a directory to work in as the one argument: say where the socket is, then serve."""
    try:
        reader = Reader(sys.argv[1])
    except OSError as error:
        sys.stdout.write(json.dumps({"error": error.strerror or str(error)}) + "\n")
        return
    threading.excepthook = _end
    gc.disable()  # which looks through all that was noted, while a program waits; nothing here goes in circles
    sys.stdout.write(json.dumps({"socket": reader.path}) + "\n")
    sys.stdout.flush()
    reader.serve()
