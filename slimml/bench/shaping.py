"""Links of a given bandwidth and delay between an engine and a registry, by a proxy in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from slimml.bench import throttle
from slimml.errors import Unavailable, UsageError

LOOPBACK = "loopback"

_FORM = re.compile(r"(?:(\d+(?:\.\d+)?)(k|m|g)bit(/each)?)?(?:(?:^|(?<=.)\+)(\d+(?:\.\d+)?)ms)?", re.IGNORECASE)
_BITS = {"k": 1e3, "m": 1e6, "g": 1e9}
_LEAST_RATE = 1e4
_LONGEST_DELAY = 10.0
_END_SECONDS = 10


@dataclass(frozen=True)
class Link:
    """A way from registry to engine. `rate` in bytes a second (None: as fast as it goes), of all connections together
    or (not `shared`) of each; `delay` is the round trip in seconds, which each connection and each request wait.
    """

    name: str
    rate: float | None = None
    delay: float = 0.0
    shared: bool = True

    @property
    def direct(self) -> bool:
        """Whether nothing is held back, so that no proxy is needed."""
        return self.rate is None and self.delay == 0


@dataclass(frozen=True)
class Passed:
    """What went through a proxy. `bytes_down` came from the registry, headers of HTTP included."""

    connections: int
    requests: int
    bytes_down: int
    bytes_up: int

    def since(self, earlier: Passed) -> Passed:
        """What passed after `earlier`."""
        return Passed(
            self.connections - earlier.connections,
            self.requests - earlier.requests,
            self.bytes_down - earlier.bytes_down,
            self.bytes_up - earlier.bytes_up,
        )


def parse_link(text: str) -> Link:
    """`loopback`, `1gbit`, `100mbit+10ms`, `10ms`, `100mbit/each` (each connection has as much); raises UsageError."""
    name = text.strip().lower()
    if name == LOOPBACK:
        return Link(LOOPBACK)
    found = _FORM.fullmatch(name)
    if not name or found is None:
        raise UsageError(f"link {text!r} is not known; say loopback, 1gbit, 100mbit+10ms or 100mbit/each")
    number, unit, each, delay = found.groups()
    rate = float(number) * _BITS[unit] / 8 if number else None
    seconds = float(delay) / 1000 if delay else 0.0
    if (rate is not None and rate < _LEAST_RATE) or seconds > _LONGEST_DELAY:
        raise UsageError(f"link {text!r}: at least 80kbit and at most 10000ms, please")
    return Link(name, rate, seconds, shared=not each)


def parse_links(text: str) -> tuple[Link, ...]:
    """Links with commas between them, each once; raises UsageError."""
    found = {link.name: link for link in map(parse_link, text.split(","))}
    return tuple(found.values())


class Shaper:
    """A running proxy: engines connect to `address` (host:port)."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.address = f"127.0.0.1:{port}"

    def passed(self) -> Passed:
        """The counts from the start on; raises Unavailable when the proxy has died."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write("\n")
            process.stdin.flush()
            return Passed(**json.loads(process.stdout.readline()))
        except (OSError, ValueError):
            raise Unavailable(f"the proxy at {self.address} has ended in the middle") from None


@contextmanager
def shaped(link: Link, target: str) -> Iterator[Shaper]:
    """A proxy before `target` (host:port), gone with the context, and with this process however it ends.

    Raises Unavailable when it does not start.
    """
    host, _, port = target.rpartition(":")
    said = {"target": [host.strip("[]"), int(port)], "rate": link.rate, "delay": link.delay, "shared": link.shared}
    # Alone and isolated: without what this process has imported it starts in 20 ms, and nothing there bends its clock.
    command = [sys.executable, "-I", "-S", str(Path(throttle.__file__)), json.dumps(said)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        listening = process.stdout.readline().strip()
        if not listening.isdigit():
            raise Unavailable(f"the proxy for {link.name} did not start (exit code {process.wait(_END_SECONDS)})")
        yield Shaper(process, int(listening))
    finally:
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
