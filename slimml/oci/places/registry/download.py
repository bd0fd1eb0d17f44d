"""Blobs as streams that survive broken connections: resumed with Range where they stopped (RFC 9110, 14)."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Self

from urllib3.exceptions import HTTPError

from slimml.errors import AccessDenied, InvalidImage, NotFound, SlimmlError, Unavailable
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import short
from slimml.oci.media_types import is_foreign
from slimml.oci.places.registry.answer import Answer, Dropped
from slimml.oci.places.registry.client import Client
from slimml.oci.places.registry.patience import TRANSIENT
from slimml.oci.places.registry.wording import shown

Fetch = Callable[[Mapping[str, str]], Answer]

_CHUNK = 1 << 20
_PROGRESS = 1 << 20
"""bytes that have to arrive before the count of failures starts again"""
_RANGE = re.compile(r"bytes (\d{1,19})-\d{1,19}/(?:\d{1,19}|\*)")


def open_blob(client: Client, descriptor: Descriptor, offset: int = 0) -> "BlobStream":
    """The blob from byte `offset` on, not verified.

    A non-distributable layer is fetched from its `urls`, without credentials, and from the registry when none of them
    has it. Raises NotFound, AccessDenied, Unavailable, InvalidImage (it has fewer than `offset` bytes).
    """
    trouble: SlimmlError | None = None
    for url in descriptor.urls if is_foreign(descriptor.media_type) else ():
        try:
            return BlobStream(client, descriptor, offset, partial(client.plain, url))
        except (NotFound, Unavailable, AccessDenied) as error:
            trouble = error
    try:
        return BlobStream(client, descriptor, offset, partial(client.get, f"blobs/{descriptor.digest}"))
    except NotFound as error:
        raise trouble or error from None


class BlobStream:
    """A stream over one blob. `fetch` asks for it once, with the headers given."""

    def __init__(self, client: Client, descriptor: Descriptor, offset: int, fetch: Fetch) -> None:
        self._client = client
        self._descriptor = descriptor
        self._what = f"blob {short(descriptor.digest)}"
        self._position = offset
        self._fetch = fetch
        self._failures = 0
        self._calm = offset
        self._answer: Answer | None = self._connect()

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes, b"" at the end; raises Unavailable when resuming failed too often."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        while self._answer is not None and size:
            try:
                piece = self._answer.response.read(size)
            except (HTTPError, OSError):
                self.close()
                if self._position != self._descriptor.size:
                    self._failed(Dropped(f"{self._client}: {self._what} broke off at byte {self._position}; try again"))
                    self._answer = self._connect()
                continue
            if piece:
                self._position += len(piece)
                return piece
            if self._cut_off():
                self.close()
                self._failed(Dropped(f"{self._client}: {self._what} broke off at byte {self._position}; try again"))
                self._answer = self._connect()
                continue
            self.close()
        return b""

    def _cut_off(self) -> bool:
        """Whether the end may be a lost connection: HTTP/1.0 without a length cannot tell the two apart."""
        assert self._answer is not None
        framed = self._answer.header("Content-Length") or self._answer.header("Transfer-Encoding")
        return not framed and self._descriptor.size != UNKNOWN_SIZE and self._position < self._descriptor.size

    def _failed(self, trouble: Dropped, retry_after: str | None = None) -> None:
        """Count a failure and wait, or give up."""
        if self._position - self._calm >= _PROGRESS:
            self._failures, self._calm = 0, self._position
        self._failures += 1
        if trouble.lasting or self._failures >= self._client.patience.attempts:
            raise trouble
        self._client.patience.pause(self._failures, retry_after)

    def _connect(self) -> Answer | None:
        """An answer that goes on at our position; None when the blob ends there."""
        while True:
            headers = {"Range": f"bytes={self._position}-"} if self._position else {}
            try:
                answer = self._fetch(headers)
                if answer.status in TRANSIENT:
                    retry_after = answer.header("Retry-After")
                    trouble = Dropped(str(self._client.refusal(answer, self._what)))
                else:
                    return self._begin(answer)
            except Dropped as error:
                trouble, retry_after = error, None
            self._failed(trouble, retry_after)

    def _begin(self, answer: Answer) -> Answer | None:
        if answer.status == 206:
            start = _RANGE.match(answer.header("Content-Range"))
            if start and int(start[1]) == self._position:
                return answer
            said = shown(answer.header("Content-Range"), 60)
            answer.response.close()
            raise Unavailable(f"{self._client}: {self._what} was asked from {self._position} on, the answer is {said}")
        if answer.status == 200:
            self._skip(answer)
            return answer
        if answer.status == 416:
            answer.discard()
            if self._descriptor.size in (UNKNOWN_SIZE, self._position):
                return None
            raise InvalidImage(f"{self._client}: {self._what} is shorter than its descriptor says")
        raise self._client.refusal(answer, self._what)

    def _skip(self, answer: Answer) -> None:
        """Read past what we have: the server does not know Range."""
        left = self._position
        while left:
            try:
                piece = answer.response.read(min(left, _CHUNK))
            except (HTTPError, OSError):
                answer.response.close()
                raise Dropped(f"{self._client}: {self._what} broke off; try again") from None
            if not piece:
                raise InvalidImage(f"{self._client}: {self._what} ends before byte {self._position}")
            left -= len(piece)

    def close(self) -> None:
        """Let go of the connection."""
        if self._answer is not None:
            self._answer.response.close()
            self._answer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
