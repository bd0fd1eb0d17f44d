"""One HTTP/1.1 request over a connection into a container: bounded in bytes and in time, however the peer behaves."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.engine.container import OUTPUT_BYTES

if TYPE_CHECKING:
    from slimml.engine.container import Container

_PIECE = 1 << 16


class NoAnswer(Exception):
    """There was no (whole) response; the message says why in words. Never leaves slimml.probes."""


@dataclass(frozen=True)
class Response:
    """A response that came to its end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def exchange(
    container: Container,
    port: int,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    timeout: float,
) -> Response:
    """Send a request to `port` inside and read all of its response within `timeout` seconds; raises NoAnswer."""
    try:
        sock = container.connect(port, timeout)
    except TimeoutError:
        raise NoAnswer(f"port {port} took no connection within {timeout:g} s") from None
    except OSError as error:
        raise NoAnswer(f"port {port}: {error.strerror or error}") from None
    connection = http.client.HTTPConnection("localhost", port)
    connection.sock = sock
    # A new connection would go to this machine's own port.
    connection.auto_open = 0
    closing = any(name.lower() == "connection" for name in headers)
    sent = dict(headers) if closing else {"Connection": "close", **headers}
    with _ended_after(sock, timeout) as late:
        try:
            connection.request(method, path, body, sent)
            with connection.getresponse() as response:
                found = Response(response.status, tuple(response.getheaders()), _whole(response))
                # Neither the end of a connection that we shut nor one that came too early is an error there.
                if late.is_set() or response.length:
                    raise http.client.IncompleteRead(found.body, response.length)
                return found
        except (OSError, http.client.HTTPException, ValueError) as error:
            if late.is_set() or isinstance(error, TimeoutError):
                raise NoAnswer(f"no whole answer within {timeout:g} s") from None
            raise NoAnswer(_told(error)) from None
        finally:
            connection.close()
            sock.close()


@contextmanager
def _ended_after(sock: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Shut the connection after so many seconds: a timeout of the socket begins anew with every byte that drips in."""
    late = threading.Event()

    def end() -> None:
        late.set()
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    sock.settimeout(seconds)
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _whole(response: http.client.HTTPResponse) -> bytes:
    found = bytearray()
    while piece := response.read(_PIECE):
        found += piece
        if len(found) > OUTPUT_BYTES:
            raise NoAnswer(f"the answer is larger than {OUTPUT_BYTES >> 20} MiB")
    return bytes(found)


def _told(error: Exception) -> str:
    match error:
        case http.client.RemoteDisconnected():
            return "the connection was closed without an answer"
        case http.client.IncompleteRead():
            return "the connection was closed in the middle of the answer"
        case OSError():
            return f"the connection broke: {error.strerror or error}"
        case _:
            return f"the answer is no HTTP: {type(error).__name__} {str(error)[:80]}".rstrip()
