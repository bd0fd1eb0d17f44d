"""Commands inside a running container (Docker API, "Exec")."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from slimml.engine.container import Output
from slimml.engine.daemon.frames import Streams
from slimml.engine.daemon.wording import command_ended, not_run
from slimml.errors import SlimmlError, Unavailable, Unsupported

if TYPE_CHECKING:
    from slimml.engine.daemon.calls import ContainerCalls
    from slimml.oci.places.daemon.api.http import Hijacked

_PAUSE = 0.01
_LAG_SECONDS = 10
"""how long after a command's output the engine may still call it running"""


def execute(
    calls: ContainerCalls,
    container: str,
    argv: tuple[str, ...],
    *,
    environment: Mapping[str, str],
    user: str | None,
    directory: str | None,
    stdin: bytes,
    timeout: float,
) -> tuple[str, Output]:
    """Run a command; the engine's ID for it, and its output. Raises TimedOut, Refused, SlimmlError."""
    if stdin and calls.http.address.tls is not None:
        raise Unsupported(f"{calls.http.address}: TLS has no way to end a command's input; reach the engine by ssh://")
    body: dict[str, object] = {
        "AttachStdin": bool(stdin),
        "AttachStdout": True,
        "AttachStderr": True,
        "Cmd": list(argv),
        "Env": [f"{name}={value}" for name, value in environment.items()],
    }
    body |= {key: value for key, value in (("User", user), ("WorkingDir", directory)) if value is not None}
    deadline = time.monotonic() + timeout
    try:
        made, stream = calls.execute(container, body)
    except Unavailable:
        raise
    except SlimmlError as error:
        if "exec failed" not in str(error):
            raise
        return "", not_run(str(error).partition("exec failed: ")[2])
    streams = Streams()
    with stream:
        try:
            _exchange(stream, streams, stdin, deadline)
        except TimeoutError:
            raise TimedOut(made, argv, timeout) from None
        except OSError as error:
            raise Unavailable(f"{calls.http.address} stopped in the middle of a command: {error}") from None
    stdout, stderr = streams.taken()
    return made, command_ended(Output(_code(calls, made), stdout, stderr))


class TimedOut(TimeoutError):
    """A command takes too long; `made` is the engine's ID for it."""

    def __init__(self, made: str, argv: tuple[str, ...], timeout: float) -> None:
        super().__init__(f"{' '.join(argv)[:200]!r} runs for more than {timeout:g} seconds")
        self.made = made


def _exchange(stream: Hijacked, streams: Streams, stdin: bytes, deadline: float) -> None:
    def read(size: int) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        stream.within(left)
        try:
            return stream.read(size)
        except ConnectionResetError:
            # Podman hangs up on input that the command left unread, after all of its output.
            if stdin:
                return b""
            raise

    def feed() -> None:
        # A command may end without having read its input.
        with suppress(OSError):
            stream.send(stdin)
            stream.end_input()

    if not stdin:
        streams.receive(read)
        return
    feeder = threading.Thread(target=feed, name="slimml-input", daemon=True)
    feeder.start()
    try:
        streams.receive(read)
    finally:
        stream.close()
        feeder.join()


def _code(calls: ContainerCalls, made: str) -> int:
    """The exit code, which the engine may tell a moment after the output's end."""
    deadline = time.monotonic() + _LAG_SECONDS
    while time.monotonic() < deadline:
        state = calls.executed(made)
        code = state.get("ExitCode")
        if not state.get("Running") and isinstance(code, int):
            return code
        time.sleep(_PAUSE)
    raise Unavailable(f"{calls.http.address} does not tell how a command ended")
