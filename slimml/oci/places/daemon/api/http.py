"""HTTP with an engine, by the standard library: a connection for each call, answers as streams, errors in words."""

import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from slimml.errors import AccessDenied, NotFound, SlimmlError, Unavailable
from slimml.oci import documents
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.places.daemon.api.address import Address
from slimml.oci.places.daemon.api.ask import QUESTION_SECONDS, one_line
from slimml.oci.places.daemon.api.connections import complaint, connection_to, hang_up

_ERROR_BYTES = 4096
_LINE_BYTES = 1 << 16
_UPGRADED, _BAD_REQUEST = 101, 400
_JSON = {"Content-Type": "application/json"}
_TAR = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
_UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}


class Reply:
    """An answer: its status, and its body as a stream; closing it closes the connection."""

    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, address: Address
    ) -> None:
        self._connection = connection
        self._response = response
        self._address = address
        self.status = response.status

    def header(self, name: str) -> str:
        """A header's text, "" where it is not there."""
        return self._response.getheader(name, "")

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, b"" at the end; raises Unavailable."""
        try:
            return self._response.read(None if size < 0 else size)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._cut_off(error) from None

    def read_up_to(self, size: int) -> bytes:
        """At most `size` bytes, fewer only at the end."""
        found = bytearray()
        while len(found) < size and (piece := self.read(size - len(found))):
            found += piece
        return bytes(found)

    def objects(self) -> Iterable[object]:
        """The JSON values in the body, one a line."""
        try:
            while line := self._response.readline(_LINE_BYTES):
                if line.strip():
                    yield json.loads(line)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._cut_off(error) from None

    def refusal(self) -> str | None:
        """What the engine says when it refuses (one line), None when it does not. Reads the body then."""
        return _message(self.read_up_to(_ERROR_BYTES)) if self.status >= _BAD_REQUEST else None

    def checked(self, what: str) -> Self:
        """This reply, unless the engine refuses; then it is closed, and NotFound, AccessDenied or SlimmlError raised.

        `what` names in errors what was asked for.
        """
        if self.status < _BAD_REQUEST:
            return self
        with self:
            said = self.refusal()
        match self.status:
            case 404:
                raise NotFound(f"{what} is not at {self._address}: {said}")
            case 401 | 403:
                raise AccessDenied(f"{self._address} refuses {what}: {said}")
            case _:
                raise SlimmlError(f"{self._address} fails with {self.status} for {what}: {said}")

    def close(self) -> None:
        """Let go of the connection; a second call does nothing."""
        self._response.close()
        hang_up(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _cut_off(self, error: Exception) -> Unavailable:
        return Unavailable(f"{self._address} stopped in the middle of its answer: {error}")


class Hijacked:
    """A connection that became a plain stream in both directions (Docker API, "Attach to a container")."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response

    def read(self, size: int) -> bytes:
        """What has arrived, at most `size` bytes, b"" at the end; raises OSError (TimeoutError, which is final)."""
        return self._response.fp.read1(size)

    def within(self, seconds: float | None) -> None:
        """How long the next `read` or `send` may wait; None for ever."""
        self._connection.sock.settimeout(seconds)

    def send(self, data: bytes) -> None:
        """Send all of `data`; raises OSError."""
        self._connection.sock.sendall(data)

    def end_input(self) -> None:
        """Say that nothing more is sent; what comes back can still be read. Raises OSError."""
        self._connection.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Hang up, also under a `read` that waits in another thread, which ends then."""
        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)
        hang_up(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
        self._response.close()


@dataclass(frozen=True)
class EngineHttp:
    """An engine at an address. Every call raises Unavailable when it cannot be reached, AccessDenied by its socket."""

    address: Address
    limits: Limits = DEFAULT_LIMITS

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = QUESTION_SECONDS,
    ) -> Reply:
        """Ask, and give the answer whatever its status; `body` goes as JSON, `timeout` is in seconds."""
        connection = connection_to(self.address, timeout)
        try:
            return Reply(connection, self._exchange(connection, method, path, body, headers or {}), self.address)
        except BaseException:
            hang_up(connection)
            raise

    def ask(self, path: str, what: str) -> bytes:
        """The body of a GET, as far as a JSON document may go; raises NotFound, AccessDenied, SlimmlError."""
        with self.call("GET", path).checked(what) as reply:
            return reply.read_up_to(self.limits.json_bytes + 1)

    def upload(self, method: str, path: str, tar: Iterable[bytes], timeout: float) -> tuple[Reply, bool]:
        """Send a tar; the answer, and whether the engine took all of it. What `tar` raises cuts the request off."""
        connection = connection_to(self.address, timeout)
        try:
            self._connect(connection)
            error = _send(connection, method, path, tar)
            return Reply(connection, self._response(connection), self.address), error is None
        except BaseException:
            hang_up(connection)
            raise

    def hijack(
        self, path: str, body: Mapping[str, Any] | None, what: str, timeout: float = QUESTION_SECONDS
    ) -> Hijacked:
        """POST, and keep the connection as a plain stream; raises NotFound, AccessDenied, SlimmlError."""
        connection = connection_to(self.address, timeout)
        try:
            response = self._exchange(connection, "POST", path, body, _UPGRADE)
            if response.status != _UPGRADED:
                Reply(connection, response, self.address).checked(what)
                raise Unavailable(
                    f"{self.address} gives no stream for {what}; a proxy between may take the upgrade away"
                )
            return Hijacked(connection, response)
        except BaseException:
            hang_up(connection)
            raise

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> http.client.HTTPResponse:
        self._connect(connection)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, path, sent, {**({} if body is None else _JSON), **headers})
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(connection, error) from None
        return self._response(connection)

    def _response(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        try:
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(connection, error) from None

    def _silent(self, connection: http.client.HTTPConnection, error: Exception) -> Unavailable:
        return Unavailable(f"{self.address} does not answer: {one_line(complaint(connection, error))}")

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except PermissionError:
            raise AccessDenied(
                f"{self.address}: permission denied; join the `docker` group (then log in again), or run with sudo"
            ) from None
        except OSError as error:
            raise Unavailable(
                f"no engine answers at {self.address} ({error.strerror or error}); start it (`systemctl start docker` "
                "or `podman.socket`), or name another with DOCKER_HOST"
            ) from None


def _send(connection: http.client.HTTPConnection, method: str, path: str, tar: Iterable[bytes]) -> OSError | None:
    """Send a request; an error of the socket is handed back, as the engine may have said why before it hung up."""

    def watched() -> Iterable[bytes]:
        # An OSError of the source must not be taken for one of the socket.
        try:
            yield from tar
        except OSError as error:
            raise SlimmlError(f"what is sent could not be read: {error}") from error

    try:
        connection.request(method, path, body=watched(), headers=_TAR, encode_chunked=True)
    except OSError as error:
        return error
    return None


def _message(raw: bytes) -> str:
    try:
        said = documents.load_object(raw, "an error").get("message", "")
    except SlimmlError:
        said = raw.decode(errors="replace")
    return one_line(str(said))
