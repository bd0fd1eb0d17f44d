"""The main process's output, read from before its first byte: logs of engines lose bytes that are no UTF-8 lines.

(Docker's json-file replaces them, its local driver drops newlines after long lines, both invent one at the end.)
"""

import threading
from collections.abc import Callable

from slimml.engine.daemon.frames import Streams
from slimml.errors import Unavailable
from slimml.oci.places.daemon.api.http import Hijacked


class Attached:
    """Reads an attached stream in a thread until its end, which comes when the main process has ended.

    `at_end` is called then, in that thread, before `ended` is set.
    """

    def __init__(self, stream: Hijacked, at_end: Callable[[], None]) -> None:
        self._stream = stream
        self._streams = Streams()
        self._at_end = at_end
        self.ended = threading.Event()
        stream.within(None)
        self._thread = threading.Thread(target=self._read, name="slimml-output", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            self._streams.receive(self._stream.read)
        except (OSError, ValueError, Unavailable):
            pass  # the container's state tells whether this was its end
        finally:
            self._at_end()
            self.ended.set()

    def taken(self) -> tuple[bytes, bytes]:
        """Standard output and error so far; raises Refused past OUTPUT_BYTES."""
        return self._streams.taken()

    def close(self) -> None:
        """Stop reading; a second call does nothing."""
        self._stream.close()
        self._thread.join()
