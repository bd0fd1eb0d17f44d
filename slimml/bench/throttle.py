"""A TCP proxy as a process of its own: passes bytes at a given rate, answers late, counts both. Standard library only.

    python -I throttle.py '{"target": ["127.0.0.1", 5000], "rate": 12500000, "delay": 0.01, "shared": true}'

It prints the port it listens on, then for each line on standard input the counts so far as a line of JSON; it ends with
its standard input, so that nothing is left of it when who started it is killed.

Only what comes from the target is held to `rate` bytes a second (payload of TCP, headers of HTTP included, those of
TCP and IP not): requests are small. `delay` seconds pass once when a connection is made, as a handshake needs one round
trip, and once before each request is handed on. The bytes go through a pipe within the kernel (splice(2)), so that two
processors carry more than a gigabit a second and Python's lock is held for a few instructions in a thousand bytes.
"""

import fcntl
import json
import os
import select
import socket
import sys
import threading
import time
from contextlib import suppress

LARGEST_STEP = 256 << 10
SMALLEST_STEP = 8 << 10
STEP_SECONDS = 0.002
"""bytes are passed on in steps of about so long, none larger or smaller than the two above"""
BURST_SECONDS = 0.004
"""how much of an idle time may be made up for"""
STALL_SECONDS = 0.25
"""how much may be made up for of a time in which bytes waited and this process had no processor; a line would have gone
on, into the receiver's window (but never of a time before the connection was there)"""
_REQUEST_BYTES = 64 << 10
_F_SETPIPE_SZ = 1031
_METHODS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"OPTIONS ")


class Rate:
    """A token bucket, kept as the moment at which the line is free again; safe to share between threads."""

    def __init__(self, bytes_a_second: float | None) -> None:
        self._rate = bytes_a_second
        self._free = 0.0
        self._lock = threading.Lock()
        wanted = LARGEST_STEP if bytes_a_second is None else int(bytes_a_second * STEP_SECONDS)
        self.step = max(SMALLEST_STEP, min(LARGEST_STEP, wanted))

    def pass_on(self, count: int, waiting_since: float | None = None) -> None:
        """Wait until `count` bytes would have arrived.

        `waiting_since`: they were there before they were asked for, at the earliest from this moment (monotonic) on.
        """
        if self._rate is None:
            return
        with self._lock:
            now = time.monotonic()
            begin = now - BURST_SECONDS if waiting_since is None else max(waiting_since, now - STALL_SECONDS)
            self._free = max(self._free, begin) + count / self._rate
            until = self._free
        left = until - time.monotonic()
        if left > 0:
            time.sleep(left)


class Counts:
    """What passed, from the start on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found = {"connections": 0, "requests": 0, "bytes_down": 0, "bytes_up": 0}

    def add(self, name: str, count: int) -> None:
        """`count` more of `name`."""
        with self._lock:
            self._found[name] += count

    def line(self) -> str:
        """All of them as JSON."""
        with self._lock:
            return json.dumps(self._found)


class Proxy:
    """Connections to `target` behind a listening socket."""

    def __init__(self, target: tuple[str, int], rate: float | None, delay: float, shared: bool) -> None:
        self._target = target
        self._rate = rate
        self._delay = delay
        self._line = Rate(rate) if shared else None
        self.counts = Counts()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])

    def serve(self) -> None:
        """Take connections until the process ends."""
        while True:
            near, _ = self._listener.accept()
            threading.Thread(target=self._connection, args=(near,), daemon=True).start()

    def _connection(self, near: socket.socket) -> None:
        self.counts.add("connections", 1)
        time.sleep(self._delay)
        try:
            far = socket.create_connection(self._target, timeout=30)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        up = threading.Thread(target=self._requests, args=(near, far), daemon=True)
        up.start()
        self._answers(far, near)
        up.join()
        near.close()
        far.close()

    def _requests(self, near: socket.socket, far: socket.socket) -> None:
        """Requests on their way up: each begins a piece of its own, since a client waits for the answer before it."""
        try:
            while piece := near.recv(_REQUEST_BYTES):
                if piece.startswith(_METHODS):
                    self.counts.add("requests", 1)
                    time.sleep(self._delay)
                self.counts.add("bytes_up", len(piece))
                far.sendall(piece)
        except OSError:
            pass
        _end(far)

    def _answers(self, far: socket.socket, near: socket.socket) -> None:
        line = self._line or Rate(self._rate)
        began = time.monotonic()
        arrived = select.poll()
        arrived.register(far, select.POLLIN)
        reading, writing = os.pipe()
        try:
            fcntl.fcntl(writing, _F_SETPIPE_SZ, LARGEST_STEP)
            while True:
                waiting_since = began if arrived.poll(0) else None
                count = os.splice(far.fileno(), writing, line.step)
                if not count:
                    break
                line.pass_on(count, waiting_since)
                self.counts.add("bytes_down", count)
                while count:
                    count -= os.splice(reading, near.fileno(), count)
        except OSError:
            # The client hung up, or the target did; the other direction ends with the sockets.
            pass
        finally:
            os.close(reading)
            os.close(writing)
            _end(near)


def _end(writing: socket.socket) -> None:
    with suppress(OSError):
        writing.shutdown(socket.SHUT_WR)


def main(words: list[str]) -> None:
    """Serve as the JSON object in the first word says, until standard input ends."""
    said = json.loads(words[0])
    host, port = said["target"]
    proxy = Proxy((host, port), said["rate"], said["delay"], said["shared"])
    threading.Thread(target=proxy.serve, daemon=True).start()
    _say(str(proxy.port))
    for _ in sys.stdin:
        _say(proxy.counts.line())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
