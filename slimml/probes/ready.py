"""Waiting until a service can be asked: quickly at first, no longer than its time, and not for the dead."""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING

from slimml.probes.ending import last_words, told_end
from slimml.probes.request import NoAnswer, exchange

if TYPE_CHECKING:
    from slimml.engine.container import Container
    from slimml.probes.probe import Ready

_FIRST_STEP, _LAST_STEP = 0.005, 0.1
_LOG_STEP = 0.05
"""seconds; each look reads all that was said"""
_GROWTH = 0.02
"""of the time waited already: a service that took long is not met more than 2 % late"""
_ATTEMPT = 10.0
"""seconds for one request; a server that loads while it answers is given another one"""
_CLOSED_AT_ONCE = 0.005
"""seconds in which a proxy before the container lets go of a connection that it could not pass on"""


def wait_until_ready(container: Container, ready: Ready) -> str | None:
    """Wait at most `ready.timeout` seconds; None when the service is ready, else the words why it is not.

    Raises what the engine raises; nothing that the service does raises.
    """
    begun = looked = time.monotonic()
    while True:
        left = ready.timeout - (time.monotonic() - begun)
        if _is_ready(container, ready, max(0.05, min(left, _ATTEMPT))):
            return None
        now = time.monotonic()
        late = now - begun >= ready.timeout
        if late or now - looked >= _LAST_STEP:
            looked = now
            if (exited := container.wait(0)) is not None:
                return f"the service {told_end(exited, container.logs())}"
        if late:
            words = last_words(container.logs())
            said = f"; it said: {words}" if words else ""
            return f"the service was not ready within {ready.timeout:g} s{said}"
        least = _LOG_STEP if ready.log is not None else _FIRST_STEP
        time.sleep(max(least, min(_LAST_STEP, (now - begun) * _GROWTH)))


def _is_ready(container: Container, ready: Ready, timeout: float) -> bool:
    if ready.http is not None and ready.port is not None:
        try:
            status = exchange(container, ready.port, "GET", ready.http, {}, None, timeout).status
        except NoAnswer:
            return False
        return status < 400 if ready.status is None else status == ready.status
    if ready.tcp is not None:
        return _accepts(container, ready.tcp, timeout)
    if ready.log is not None:
        said = container.logs()
        text = said.stdout.decode("utf-8", "replace") + "\n" + said.stderr.decode("utf-8", "replace")
        return any(re.search(ready.log, line) for line in text.splitlines())
    return container.wait(0) is not None


def _accepts(container: Container, port: int, timeout: float) -> bool:
    try:
        sock = container.connect(port, timeout)
    except OSError:
        return False
    with sock:
        sock.settimeout(_CLOSED_AT_ONCE)
        try:
            return sock.recv(1, socket.MSG_PEEK) != b""
        except TimeoutError:
            return True
        except OSError:
            return False
