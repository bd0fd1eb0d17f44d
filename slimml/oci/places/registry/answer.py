"""What a registry answered: status, headers, and a body that is never read further than we allow."""

import time
from dataclasses import dataclass

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from slimml.errors import AccessDenied, LimitExceeded, NotFound, SlimmlError, Unavailable
from slimml.oci.places.registry.origin import Origin
from slimml.oci.places.registry.patience import TRANSIENT, Patience
from slimml.oci.places.registry.wording import complaint

_CHUNK = 64 << 10
_ERROR_BYTES = 64 << 10


class Dropped(Unavailable):
    """A connection failed; `lasting` when trying again would fail the same way."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


@dataclass(frozen=True)
class Answer:
    """One answer. `origin` is who gave it (after redirects), `url` where. Its body is read once, or closed."""

    response: BaseHTTPResponse
    origin: Origin
    url: str

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    def header(self, name: str) -> str:
        """A header's value, "" when it is absent."""
        return self.response.headers.get(name) or ""

    def document(self, limit: int, patience: Patience, what: str) -> bytes:
        """The whole body; raises LimitExceeded past `limit` bytes, Dropped when it breaks off or takes too long."""
        deadline = time.monotonic() + patience.document_timeout
        found = bytearray()
        try:
            while chunk := self.response.read1(_CHUNK):
                found += chunk
                if len(found) > limit:
                    raise LimitExceeded(f"{what} has more than {limit} bytes", "json_bytes")
                if time.monotonic() > deadline:
                    raise Dropped(f"{what} did not arrive within {patience.document_timeout:.0f} s; try again later")
        except (HTTPError, OSError) as error:
            self.response.close()
            raise Dropped(f"{what} broke off after {len(found)} bytes ({type(error).__name__}); try again") from None
        except SlimmlError:
            self.response.close()
            raise
        self.response.release_conn()
        return bytes(found)

    def discard(self) -> bytes:
        """Be done with the answer, keeping the connection if little is left; the first 64 KiB of its body."""
        try:
            body = self.response.read(_ERROR_BYTES)
            if len(body) < _ERROR_BYTES:
                self.response.release_conn()
                return body
        except (HTTPError, OSError):
            body = b""
        self.response.close()
        return body


def refusal(answer: Answer, what: str, way_out: str) -> SlimmlError:
    """The error for an answer that is none of those hoped for; `way_out` is what helps when access was denied."""
    said = complaint(answer.discard())
    told = f" ({said})" if said else ""
    if answer.status == 404:
        return NotFound(f"{what}: not found{told}; check the name")
    if answer.status in (401, 403):
        return AccessDenied(f"{what}: access denied{told}; {way_out}")
    if answer.status in TRANSIENT or answer.status >= 500:
        return Unavailable(f"{what}: the registry answers {answer.status}{told}; try again later")
    return AccessDenied(f"{what}: the registry refused with status {answer.status}{told}")
