"""Sending one blob to a repository, resumed where the registry says it stopped (distribution-spec, Pushing Blobs)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from slimml.errors import SlimmlError
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import short
from slimml.oci.image import Stream
from slimml.oci.places.registry.answer import Answer, Dropped
from slimml.oci.places.registry.auth import push_scope
from slimml.oci.places.registry.patience import TRANSIENT
from slimml.oci.places.registry.repository import Repository

Opener = Callable[[], Stream]

_CHUNK = 256 << 10
_PROGRESS = 1 << 20
"""bytes that have to be taken before the count of failures starts again"""
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,19})")


@dataclass(frozen=True)
class Pushed:
    """`size` in bytes as stored; `reused` when nothing was sent: the blob was there or could be mounted."""

    size: int
    reused: bool


def push_blob(
    repository: Repository,
    descriptor: Descriptor,
    open_verified: Opener,
    mount_from: str | None,
    advance: Callable[[int], None],
) -> Pushed:
    """Bring a blob into the repository; the registry verifies it too.

    `open_verified` opens it, from its start, as a stream that raises InvalidImage for wrong content; `mount_from` is
    another repository of the same registry that may have it; `advance` is told of bytes done. Raises InvalidImage,
    NotFound, AccessDenied, Unavailable; then the registry has nothing of it.
    """
    stored = repository.blob_size(descriptor.digest)
    if stored is None:
        location = _begin(repository, descriptor, mount_from)
        if location is not None:
            return Pushed(_Upload(repository, descriptor, open_verified, advance, location).run(), reused=False)
        stored = repository.blob_size(descriptor.digest)
    size = descriptor.size if stored in (None, UNKNOWN_SIZE) else stored
    assert size is not None
    advance(max(size, 0))
    return Pushed(size, reused=True)


def _begin(repository: Repository, descriptor: Descriptor, mount_from: str | None = None) -> str | None:
    """The address of a new upload, None when the blob was mounted instead."""
    client = repository.client
    if mount_from:
        scopes = repository.scopes_to_mount(mount_from)
        url = client.url(f"blobs/uploads/?mount={descriptor.digest}&from={mount_from}")
        answer = client.send("POST", url, scopes=scopes, body=b"")
        if answer.status == 201:
            answer.discard()
            return None
        if answer.status == 202:
            return _location(answer)
        answer.discard()
    url = client.url("blobs/uploads/")
    answer = client.send("POST", url, scopes=(push_scope(client.repository),), body=b"")
    if answer.status != 202:
        raise client.refusal(answer, "the upload could not begin")
    return _location(answer)


def _location(answer: Answer) -> str:
    answer.discard()
    return urljoin(answer.url, answer.header("Location"))


class _Lost(SlimmlError):
    """The upload failed in a way that may pass; `retry_after` is the registry's wish."""

    def __init__(self, reason: SlimmlError, retry_after: str = "") -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.retry_after = retry_after


class _Upload:
    """One blob on its way. `location` is where the registry wants the next bytes, None before it was asked."""

    def __init__(
        self,
        repository: Repository,
        descriptor: Descriptor,
        open_verified: Opener,
        advance: Callable[[int], None],
        location: str | None,
    ) -> None:
        self._repository = repository
        self._client = repository.client
        self._descriptor = descriptor
        self._open = open_verified
        self._advance = advance
        self._location = location
        self._what = f"blob {short(descriptor.digest)}"
        self._scopes = (push_scope(self._client.repository),)
        self._offset = 0
        self._sent = 0
        self._furthest = 0
        self._source_error: OSError | SlimmlError | None = None

    def run(self) -> int:
        """Send until the registry has the whole blob; its size in bytes."""
        failures, calm = 0, 0
        try:
            while True:
                try:
                    self._send_rest()
                    self._commit()
                    return self._sent
                except _Lost as lost:
                    if self._offset - calm >= _PROGRESS:
                        failures, calm = 0, self._offset
                    failures += 1
                    if failures >= self._client.patience.attempts:
                        raise lost.reason from None
                    self._client.patience.pause(failures, lost.retry_after)
                    if self._recover():
                        return self._sent
        except Exception:
            self._cancel()
            raise

    def _send_rest(self) -> None:
        """PATCH everything from the offset on."""
        if self._location is None:
            self._location = _begin(self._repository, self._descriptor)
            self._offset = 0
        size = self._descriptor.size
        headers = {"Content-Type": "application/octet-stream"}
        if size != UNKNOWN_SIZE:
            headers["Content-Length"] = str(size - self._offset)
            if self._offset:
                headers["Content-Range"] = f"{self._offset}-{size - 1}"
        answer = self._request("PATCH", self._needed(), headers, self._bytes())
        if answer.status not in (202, 201, 204):
            raise self._failure(answer)
        self._location = _location(answer)

    def _commit(self) -> None:
        location = self._needed()
        url = f"{location}{'&' if '?' in location else '?'}digest={self._descriptor.digest}"
        answer = self._request("PUT", url, {"Content-Type": "application/octet-stream"}, b"")
        if answer.status not in (201, 204):
            raise self._failure(answer)
        answer.discard()

    def _recover(self) -> bool:
        """Ask how far the registry got; whether it has the whole blob already."""
        if self._repository.blob_size(self._descriptor.digest) is not None and self._sent:
            return True
        if self._location is None:
            return False
        answer = self._client.send("GET", self._location, scopes=self._scopes)
        said = _RANGE.fullmatch(answer.header("Range"))
        if answer.status != 204 or not said or int(said[1]) == 0 or int(said[1]) >= self._furthest:
            # Gone, or it means nothing ("0-0" is said of no byte and of one): begin again.
            answer.discard()
            self._cancel()
            self._location, self._offset = None, 0
            return False
        self._location = _location(answer)
        self._offset = int(said[1]) + 1
        return False

    def _bytes(self) -> Iterator[bytes]:
        """The blob from the offset on. It is read from its start every time, so that all of it is verified."""
        position = 0
        try:
            with self._open() as stream:
                while piece := stream.read(_CHUNK):
                    fresh = piece[max(0, self._offset - position) :]
                    position += len(piece)
                    if position > self._furthest:
                        self._advance(position - self._furthest)
                        self._furthest = position
                    if fresh:
                        yield fresh
        except (OSError, SlimmlError) as error:
            # Not to be taken for trouble of the connection that the bytes go to.
            self._source_error = error
            raise
        self._sent = position

    def _request(self, method: str, url: str, headers: dict[str, str], body: bytes | Iterator[bytes]) -> Answer:
        try:
            return self._client.once(method, url, scopes=self._scopes, headers=headers, body=body)
        except Dropped as error:
            if isinstance(self._source_error, SlimmlError):
                raise self._source_error from None
            if self._source_error is not None:
                raise SlimmlError(f"{self._what} cannot be read: {self._source_error}") from None
            if error.lasting:
                raise
            raise _Lost(error) from None

    def _failure(self, answer: Answer) -> SlimmlError:
        """A passing trouble, a lost session, or a new token that only the next attempt can use; else a refusal."""
        passing = answer.status in TRANSIENT or answer.status in (404, 416)
        expired = answer.status == 401 and self._client.authorized(self._scopes)
        reason = self._client.refusal(answer, self._what)
        return _Lost(reason, answer.header("Retry-After")) if passing or expired else reason

    def _cancel(self) -> None:
        """Let the registry forget what it got; it would do so by itself after days."""
        if self._location is not None:
            try:
                self._client.once("DELETE", self._location, scopes=self._scopes).discard()
            except SlimmlError:
                return

    def _needed(self) -> str:
        assert self._location is not None
        return self._location
