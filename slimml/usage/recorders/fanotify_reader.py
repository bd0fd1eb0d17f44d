"""The process that reads fanotify events of one container: a loop that does nothing else, so that it keeps up.

Where the kernel can ask before a program begins, whoever it runs as is learnt there; all else is read a few
milliseconds at a time, because to be woken for each file would cost the container more than the reading.

Requests come as lines of JSON on standard input, answers go to standard output: `mark` a directory's file system,
`await` a mount and mark it, `take` what was gathered. It ends with its input.
"""

import json
import os
import select
import stat
import sys
from collections.abc import Callable
from typing import Any

from slimml.usage.recorders import fanotify_calls as fanotify
from slimml.usage.recorders.gathered import RUNTIMES, Gathered

_OPEN, _EXEC, _LIST, _WRITE = 1, 2, 4, 32
_DELETED = " (deleted)"
_PAUSE = 4
"""milliseconds"""
_PIECE = 1 << 16
_MOST_PROGRAMS = 20_000


class Reader:
    """One group, and the file systems that it watches."""

    def __init__(self) -> None:
        self._group = fanotify.open_group()
        self._gate: int | None = None
        self._reading = False
        self._size = fanotify.buffer_bytes()
        self._gathered = Gathered()
        self._poll = select.poll()
        self._poll.register(sys.stdin.fileno(), select.POLLIN)
        self._poll.register(self._group, select.POLLIN)
        self._awaited: dict[int, tuple[int, str, bool]] = {}
        self._outside: list[str] = []
        self._marked = 0
        self._early: set[int] = set()
        self._executing: set[int] = set()
        self._programs: dict[int, str] = {}
        self._waiting = b""
        self._asked: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "mark": self._mark_asked,
            "await": self._await,
            "take": self._take,
        }

    def serve(self) -> None:
        """Read events and answer requests until there is nobody to answer."""
        while True:
            ready = {descriptor for descriptor, _ in self._poll.poll(_PAUSE if self._reading else None)}
            for descriptor in ready & self._awaited.keys():
                self._look_for_mount(descriptor)
            if self._gate in ready:
                self._let_in()
            if self._reading or self._group in ready:
                found = self._read()
                if found is not self._reading and (self._gathered.met or self._reading):
                    self._read_lazily(found)
            if sys.stdin.fileno() in ready and not self._answer():
                return

    def _read_lazily(self, lazily: bool) -> None:
        """Look again after a pause, or, when nothing happens any more, when the kernel wakes us."""
        self._reading = lazily
        if lazily:
            self._poll.unregister(self._group)
        else:
            self._poll.register(self._group, select.POLLIN)

    def _let_in(self) -> None:
        """Learn who the programs are that wait to begin, and let them."""
        assert self._gate is not None
        for event in fanotify.read_events(self._gate, self._size):
            if event.descriptor < 0:
                self._gathered.lose("the kernel could not hand over an opened program")
                continue
            try:
                found = os.fstat(event.descriptor)
                self._gathered.begins(event.pid, found.st_uid if found.st_mode & stat.S_ISUID else None)
            finally:
                fanotify.let_go(self._gate, event)
                os.close(event.descriptor)

    def _answer(self) -> bool:
        data = os.read(sys.stdin.fileno(), _PIECE)
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            try:
                answer = self._asked[request["do"]](request)
            except OSError as error:
                answer = {"error": error.strerror or str(error), "errno": error.errno}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        return bool(data)

    def _mark_asked(self, request: dict[str, Any]) -> dict[str, Any]:
        self._mark(request["pid"], request["path"], fresh=request["fresh"])
        return {}

    def _mark(self, pid: int, path: str, *, fresh: bool) -> None:
        """Mark a directory as process `pid` sees it. `fresh`: no program may have begun in there."""
        place = f"/proc/{pid}/root{path}"
        fanotify.mark_file_system(self._group, place)
        self._place_gate(place)
        self._marked += 1
        self._outside.append(f"{path}/")
        if fresh:
            self._early |= _programs_in(place)

    def _place_gate(self, place: str) -> None:
        """Be asked before programs begin, where the kernel can."""
        try:
            if self._gate is None:
                gate = fanotify.open_gate()
                self._poll.register(gate, select.POLLIN)
                self._gate = gate
            fanotify.mark_file_system(self._gate, place, fanotify.EXEC_ASKED)
        except OSError:
            self._gathered.met = False
        else:
            self._gathered.met |= self._marked == 0

    def _await(self, request: dict[str, Any]) -> dict[str, Any]:
        """Watch the mounts of process `pid` (proc(5), mountinfo: POLLPRI tells of changes) until `path` is one."""
        descriptor = os.open(f"/proc/{request['pid']}/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        self._awaited[descriptor] = (request["pid"], request["path"], request["fresh"])
        self._poll.register(descriptor, select.POLLPRI | select.POLLERR)
        self._look_for_mount(descriptor)
        return {}

    def _look_for_mount(self, descriptor: int) -> None:
        pid, path, fresh = self._awaited[descriptor]
        if os.fsencode(path) not in _mount_points(descriptor):
            return
        self._poll.unregister(descriptor)
        os.close(descriptor)
        del self._awaited[descriptor]
        try:
            self._mark(pid, path, fresh=fresh)
        except OSError as error:
            self._gathered.lose(f"the container's files could not be watched: {error.strerror}")

    def _take(self, _: dict[str, Any]) -> dict[str, Any]:
        """What is known when all events until now have been read."""
        while self._read():
            pass
        return {**self._gathered.told(), "marked": self._marked, "late": bool(self._early)}

    def _read(self) -> bool:
        """One buffer of events; whether there were any."""
        found = False
        for event in fanotify.read_events(self._group, self._size):
            found = True
            if event.mask & fanotify.OVERFLOW:
                self._gathered.lose("the kernel's queue of events ran over")
            elif event.descriptor < 0:
                self._gathered.lose("the kernel could not hand over an opened file")
            else:
                try:
                    self._note(event)
                finally:
                    os.close(event.descriptor)
        return found

    def _note(self, event: fanotify.Event) -> None:
        path = os.readlink(f"/proc/self/fd/{event.descriptor}")
        executes = bool(event.mask & fanotify.OPEN_EXEC)
        if executes:
            self._early.discard(event.pid)
        if any(path.startswith(outside) or path == outside[:-1] for outside in self._outside):
            return  # whoever looks at it from outside: the engine, slimml
        process = self._gathered.process(event.pid, executes=executes) or self._programs.get(event.pid, "")
        self._follow(event.pid, path, executes=executes)
        operations = _OPEN * bool(event.mask & (fanotify.OPEN | fanotify.OPEN_EXEC))
        operations |= _EXEC * executes | _WRITE * bool(event.mask & fanotify.CLOSE_WRITE)
        if path.endswith(_DELETED):
            path, operations = path.removesuffix(_DELETED), operations | _WRITE
        path = path.lstrip("/")
        # The event itself does not tell directories apart (only groups that report names do).
        if not self._gathered.known(path) and stat.S_ISDIR(os.fstat(event.descriptor).st_mode):
            if process.startswith(RUNTIMES):
                return  # the runtime on its way in lists nothing
            operations = _LIST
        self._gathered.add(path, operations, process)

    def _follow(self, pid: int, path: str, *, executes: bool) -> None:
        """Keep which program a process runs: short ones have ended by the time that their events are read."""
        if not executes:
            self._executing.discard(pid)
        elif pid not in self._executing:
            # What follows at once is its interpreter.
            if len(self._programs) > _MOST_PROGRAMS:
                self._programs.clear()
            self._executing.add(pid)
            self._programs[pid] = os.path.basename(path)


def _mount_points(descriptor: int) -> set[bytes]:
    os.lseek(descriptor, 0, os.SEEK_SET)
    pieces = []
    while piece := os.read(descriptor, _PIECE):
        pieces.append(piece)
    lines = b"".join(pieces).splitlines()
    return {line.split()[4].decode("unicode_escape").encode("latin-1") for line in lines}


def _programs_in(place: str) -> set[int]:
    """Processes whose root is the directory `place`, but for a runtime that has not yet become the program."""
    found = set()
    root = os.stat(place)
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            own = os.stat(f"/proc/{name}/root")
            if (own.st_dev, own.st_ino) != (root.st_dev, root.st_ino):
                continue
            with open(f"/proc/{name}/comm", encoding="utf-8", errors="replace") as file:
                if not file.read().startswith(RUNTIMES):
                    found.add(int(name))
        except OSError:
            continue  # it has ended
    return found


def main() -> None:
    """Say whether it can begin, then serve."""
    try:
        reader = Reader()
    except OSError as error:
        sys.stdout.write(json.dumps({"error": error.strerror or str(error), "errno": error.errno}) + "\n")
        return
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    reader.serve()
