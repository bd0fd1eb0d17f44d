"""The members of a tar archive that arrives as a stream, one after the other: an engine's answer to `save`."""

from collections import deque
from collections.abc import Callable
from typing import IO, Self

from slimml.errors import InvalidImage
from slimml.oci.image import Stream
from slimml.oci.limits import Limits
from slimml.oci.tar.events import Entry
from slimml.oci.tar.reader import TarReader

_CHUNK = 1 << 18


class ArchiveMembers:
    """`next` goes to the next regular file, `read` gives its content; what is not read is passed over.

    Raises InvalidImage for a stream that is no tar, LimitExceeded, and what reading the stream raises.
    """

    def __init__(self, stream: Stream, what: str, limits: Limits) -> None:
        self._stream = stream
        self._told = _Told()
        self._reader = TarReader(self._told, what, limits)
        self._what = what
        self._more = True
        self._inside = False

    def next(self) -> Entry | None:
        """The next regular file, None at the end of the archive."""
        self._pass_over()
        while not self._told.events:
            if not self._feed():
                return None
        found = self._told.events.popleft()
        assert isinstance(found, Entry)
        self._inside = True
        return found

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes of the file at hand (all that is left for -1), b"" at its end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(_CHUNK), b""))
        events = self._told.events
        while self._inside and size:
            if not events:
                if not self._feed():
                    raise InvalidImage(f"{self._what} is cut off")
                continue
            piece = events.popleft()
            if piece is None:
                self._inside = False
                break
            assert isinstance(piece, bytes)
            if len(piece) > size:
                events.appendleft(piece[size:])
                piece = piece[:size]
            return piece
        return b""

    def read_document(self, limit: int) -> bytes | None:
        """The whole of the file at hand, None when it has more than `limit` bytes."""
        found = bytearray()
        while piece := self.read(_CHUNK):
            found += piece
            if len(found) > limit:
                return None
        return bytes(found)

    def _pass_over(self) -> None:
        events = self._told.events
        self._told.dropping = self._inside
        while self._inside:
            if events:
                self._inside = events.popleft() is not None
            elif not self._feed():
                raise InvalidImage(f"{self._what} is cut off")

    def _feed(self) -> bool:
        if not self._more:
            return False
        chunk = self._stream.read(_CHUNK)
        if chunk:
            self._reader.feed(chunk)
        else:
            self._more = False
            self._reader.finish()
        return True

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Told:
    """Queues what the reader tells: an entry, its pieces, None at its end; no more than one chunk's worth."""

    def __init__(self) -> None:
        self.events: deque[Entry | bytes | None] = deque()
        self.dropping = False

    def other(self, entry: Entry) -> None:
        del entry

    def whole(self, entry: Entry, content: memoryview) -> None:
        self.begin(entry)
        self.data(content)
        self.events.append(None)

    def begin(self, entry: Entry) -> None:
        self.dropping = False
        self.events.append(entry)

    def data(self, piece: memoryview) -> None:
        if piece and not self.dropping:
            self.events.append(bytes(piece))

    def end(self) -> None:
        self.events.append(None)

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        raise AssertionError(entry)

    def finish(self, tar_bytes: int) -> None:
        del tar_bytes
