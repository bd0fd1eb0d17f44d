"""Waits for a service to be ready and tells when it was, to a few milliseconds where the kernel says who listens."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slimml.bench import watching
from slimml.bench.watching import Listening, Seen, wait_until
from slimml.probes.ending import last_words, told_end
from slimml.probes.request import NoAnswer, exchange

if TYPE_CHECKING:
    from slimml.engine.container import Container
    from slimml.probes.probe import Ready

_ATTEMPT = 10.0
"""seconds for one request; a server that loads while it answers is given another one"""
_ALIVE_STEP = 0.25
"""seconds between asking the engine whether the container runs, where its process cannot be seen"""
_ERROR = 400


def wait_until_ready(container: Container, ready: Ready, pid: int | None) -> Seen | str:
    """When the service was first seen to be ready; words when it never was. `pid` is its process on this machine.

    As long as nobody listens on the port no connection is tried, where the kernel tells us that. Raises what the engine
    raises.
    """
    deadline = time.perf_counter() + ready.timeout
    life = _Life(container, pid)
    with _listening(pid) as listening:
        seen = wait_until(lambda: _is_ready(container, ready, listening) or life.has_ended(), deadline)
    if life.over:
        exited = container.wait(_ATTEMPT)
        return f"the service {told_end(exited, container.logs())}" if exited else "the service ended"
    if seen is None:
        words = last_words(container.logs())
        return f"the service was not ready within {ready.timeout:g} s" + (f"; it said: {words}" if words else "")
    return seen


class _Life:
    """Whether the main process has ended: looked up in /proc, or asked of the engine now and then."""

    def __init__(self, container: Container, pid: int | None) -> None:
        self._container, self._pid = container, pid
        self._asked = time.perf_counter()
        self.over = False

    def has_ended(self) -> bool:
        if self._pid is not None:
            self.over = not watching.is_alive(self._pid)
        elif time.perf_counter() - self._asked > _ALIVE_STEP:
            self._asked = time.perf_counter()
            self.over = self._container.wait(0) is not None
        return self.over


@contextmanager
def _listening(pid: int | None) -> Iterator[Listening | None]:
    """A way to ask the kernel who listens; None where this user may not."""
    try:
        found = Listening(pid) if pid is not None else None
    except OSError:
        found = None
    if found is None:
        yield None
        return
    with found:
        yield found


def _is_ready(container: Container, ready: Ready, listening: Listening | None) -> bool:
    port = ready.tcp if ready.tcp is not None else ready.port
    if port is not None and listening is not None and not listening.on(port):
        return False
    if ready.http is not None and ready.port is not None:
        try:
            status = exchange(container, ready.port, "GET", ready.http, {}, None, _ATTEMPT).status
        except NoAnswer:
            return False
        return status == ready.status if ready.status is not None else status < _ERROR
    if ready.tcp is not None:
        return _accepts(container, ready.tcp)
    if ready.log is not None:
        said = container.logs()
        text = (said.stdout + b"\n" + said.stderr).decode("utf-8", "replace")
        return any(re.search(ready.log, line) for line in text.splitlines())
    return False


def _accepts(container: Container, port: int) -> bool:
    try:
        container.connect(port, _ATTEMPT).close()
    except OSError:
        return False
    return True
