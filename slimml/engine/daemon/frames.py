"""The two streams that an engine sends over one connection (Docker API, "Attach to a container", stream format)."""

import struct
import threading
from collections.abc import Callable

from slimml.engine.container import OUTPUT_BYTES
from slimml.errors import Refused, Unavailable

_HEADER = struct.Struct(">BxxxI")
_STDERR = 2
_PIECE = 1 << 16


class Streams:
    """Standard output and error as they come in, kept up to OUTPUT_BYTES together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stdout, self._stderr = bytearray(), bytearray()
        self._lost = False

    def receive(self, read: Callable[[int], bytes]) -> None:
        """Take in what `read` gives until its end; past the limit it is still read, so that nobody has to wait.

        Raises what `read` raises, and Unavailable when the stream ends inside a frame.
        """
        while header := _exactly(read, _HEADER.size):
            kind, left = _HEADER.unpack(header)
            while left:
                piece = read(min(left, _PIECE))
                if not piece:
                    raise Unavailable("the engine stopped in the middle of a container's output")
                left -= len(piece)
                self._keep(kind, piece)

    def _keep(self, kind: int, piece: bytes) -> None:
        with self._lock:
            room = OUTPUT_BYTES - len(self._stdout) - len(self._stderr)
            self._lost = self._lost or len(piece) > room
            (self._stderr if kind == _STDERR else self._stdout).extend(piece[: max(room, 0)])

    def taken(self) -> tuple[bytes, bytes]:
        """What has come so far; raises Refused when it is more than OUTPUT_BYTES."""
        with self._lock:
            if self._lost:
                raise Refused(f"the container writes more than {OUTPUT_BYTES >> 20} MiB of output; make it quieter")
            return bytes(self._stdout), bytes(self._stderr)


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    """`size` bytes, b"" at the end of the stream."""
    found = b""
    while len(found) < size:
        piece = read(size - len(found))
        if not piece:
            if found:
                raise Unavailable("the engine stopped in the middle of a container's output")
            return b""
        found += piece
    return found
