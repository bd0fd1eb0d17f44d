"""A stretch of an open file as a stream: a blob in a directory, a member of an archive."""

import os
from typing import Self


class Window:
    """Bytes `[start, start + size)` of the file behind `descriptor`, which the window owns and closes.

    Read with `pread`: several windows may share one file through duplicated descriptors.
    """

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor = descriptor
        self._position = start
        self._end = start + size

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes (all that is left for -1); b"" at the end or where the file was cut."""
        left = self._end - self._position
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        found = os.pread(self._descriptor, min(size, left), self._position)
        self._position += len(found)
        return found

    def again(self) -> "Window":
        """The same stretch from where this one is, on a descriptor of its own."""
        return Window(os.dup(self._descriptor), self._position, self._end - self._position)

    def fileno(self) -> int:
        """The descriptor of the whole file."""
        return self._descriptor

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
