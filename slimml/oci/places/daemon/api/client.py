"""The calls of an engine's API, with the standard library's HTTP client."""

import http.client
import json
from collections.abc import Iterable
from typing import Any, Self
from urllib.parse import quote

from slimml.errors import AccessDenied, NotFound, SlimmlError, Unavailable
from slimml.oci import documents
from slimml.oci.image import Stream
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.places.daemon.api.address import Address
from slimml.oci.places.daemon.api.ask import QUESTION_SECONDS, TRANSFER_SECONDS, check_load, ids_of, one_line
from slimml.oci.places.daemon.api.connections import complaint, connection_to, hang_up

_ERROR_BYTES = 4096
_BAD_REQUEST = 400


class EngineClient:
    """An engine at an address; a connection is made for each call. See `ask.Engine`."""

    def __init__(self, address: Address, limits: Limits = DEFAULT_LIMITS) -> None:
        self.address = address
        self._limits = limits

    def inspect(self, name: str) -> dict[str, Any]:
        """What the engine says of an image."""
        return documents.load_object(self._ask(f"/images/{_quoted(name)}/json", name), name, self._limits)

    def ping(self) -> None:
        """Whether it answers."""
        self._ask("/_ping", "ping")

    def images(self) -> list[str]:
        """The IDs of its images."""
        return ids_of(documents.load_list(self._ask("/images/json", "images"), "images", self._limits))

    def info(self) -> dict[str, Any]:
        """What the engine says of itself."""
        return documents.load_object(self._ask("/info", "info"), "info", self._limits)

    def save(self, name: str) -> Stream:
        """The image as a tar archive."""
        return self._get(f"/images/{_quoted(name)}/get", name, TRANSFER_SECONDS)

    def load(self, archive: Iterable[bytes]) -> None:
        """Send an archive. When `archive` raises, the engine sees a request cut off and loads nothing."""
        connection = connection_to(self.address, TRANSFER_SECONDS)
        headers = {"Content-Type": "application/x-tar", "Transfer-Encoding": "chunked"}
        try:
            self._connect(connection)
            refused = _send(connection, "/images/load?quiet=1", archive, headers)
            with self._reply(connection, "the archive") as reply:
                for said in reply.objects():
                    check_load(said, self.address)
            if refused is not None:
                raise Unavailable(f"{self.address} stopped taking the archive: {refused}") from None
        finally:
            hang_up(connection)

    def _ask(self, path: str, what: str) -> bytes:
        with self._get(path, what, QUESTION_SECONDS) as reply:
            return reply.read_up_to(self._limits.json_bytes + 1)

    def _get(self, path: str, what: str, timeout: float) -> "_Reply":
        connection = connection_to(self.address, timeout)
        try:
            self._connect(connection)
            connection.request("GET", path)
            return self._reply(connection, what)
        except (OSError, http.client.HTTPException) as error:
            failure = self._silent(connection, error)
            hang_up(connection)
            raise failure from None
        except BaseException:
            hang_up(connection)
            raise

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

    def _reply(self, connection: http.client.HTTPConnection, what: str) -> "_Reply":
        try:
            response = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise self._silent(connection, error) from None
        reply = _Reply(connection, response, str(self.address))
        if response.status < _BAD_REQUEST:
            return reply
        with reply:
            said = _message(reply.read_up_to(_ERROR_BYTES))
        match response.status:
            case 404:
                raise NotFound(f"{what} is not at {self.address}: {said}")
            case 401 | 403:
                raise AccessDenied(f"{self.address} refuses {what}: {said}")
            case _:
                raise SlimmlError(f"{self.address} fails with {response.status} for {what}: {said}")


class _Reply:
    """A response's body as a stream; closing it closes the connection."""

    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, address: str
    ) -> None:
        self._connection = connection
        self._response = response
        self._address = address

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._response.read(None if size < 0 else size)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable(f"{self._address} stopped in the middle of its answer: {error}") from None

    def read_up_to(self, size: int) -> bytes:
        """At most `size` bytes, fewer only at the end."""
        found = bytearray()
        while len(found) < size and (piece := self.read(size - len(found))):
            found += piece
        return bytes(found)

    def objects(self) -> Iterable[object]:
        """The JSON values in the body, one a line."""
        try:
            while line := self._response.readline(_ERROR_BYTES):
                if line.strip():
                    yield json.loads(line)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unavailable(f"{self._address} stopped in the middle of its answer: {error}") from None

    def close(self) -> None:
        self._response.close()
        hang_up(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _send(
    connection: http.client.HTTPConnection, path: str, body: Iterable[bytes], headers: dict[str, str]
) -> OSError | None:
    """Send a request; an error of the socket is handed back, as the engine may have said why before it hung up."""

    def watched() -> Iterable[bytes]:
        # An OSError of the source must not be taken for one of the socket.
        try:
            yield from body
        except OSError as error:
            raise SlimmlError(f"the image could not be read: {error}") from error

    try:
        connection.request("POST", path, body=watched(), headers=headers, encode_chunked=True)
    except OSError as error:
        return error
    return None


def _message(raw: bytes) -> str:
    try:
        said = documents.load_object(raw, "an error").get("message", "")
    except SlimmlError:
        said = raw.decode(errors="replace")
    return one_line(str(said))


def _quoted(name: str) -> str:
    return quote(name, safe="/:@")
