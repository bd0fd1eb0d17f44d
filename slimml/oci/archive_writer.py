"""A tar archive that holds an image, written as a stream: the same members give the same bytes."""

import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from slimml.errors import Refused
from slimml.oci.beneath import directory, told
from slimml.oci.beside import BesideFile, sweep
from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.oci.image import Stream
from slimml.oci.tar.header import BLOCK, padding

_CHUNK = 1 << 20


class ArchiveWriter:
    """Members in the order they are added, owned by root, of the time 0; past 8 GiB sizes are base-256."""

    def __init__(self, file: BesideFile) -> None:
        self._file = file
        self._position = 0

    def directory(self, name: str) -> None:
        """A directory."""
        self._write(_header(name, 0, tarfile.DIRTYPE))

    def document(self, name: str, data: bytes) -> None:
        """A small file."""
        self._write(_header(name, len(data)))
        self._write(data + bytes(padding(len(data))))

    def content(self, name: str, stream: Stream, size: int, advance: Callable[[int], None]) -> int:
        """A file with what `stream` gives, which is closed; `size` may be UNKNOWN_SIZE. Gives its bytes.

        The stream verifies itself: of another size than announced it must not be.
        """
        start = self._position
        self._write(_header(name, max(size, 0)))
        total = 0
        with stream:
            while piece := stream.read(_CHUNK):
                self._write(piece)
                total += len(piece)
                advance(len(piece))
        self._write(bytes(padding(total)))
        if size == UNKNOWN_SIZE:
            self._file.write_at(start, _header(name, total))
        return total

    def finish(self) -> None:
        """The two blocks that end a tar."""
        self._write(bytes(2 * BLOCK))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._position += len(data)


def _header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.size = size
    member.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    return member.tobuf(tarfile.GNU_FORMAT)


@contextmanager
def new_archive(path: str) -> Iterator[ArchiveWriter]:
    """An archive that takes the name `path` when the context ends well, replacing a file that has it.

    Raises Refused where a directory or special file has the name; AccessDenied; SlimmlError (disk full).
    """
    if os.path.lexists(path) and not os.path.isfile(path):
        raise Refused(f"{path} exists and is not a file; name another one")
    parent, name = os.path.split(os.path.realpath(path))
    try:
        os.makedirs(parent, exist_ok=True)
    except OSError as error:
        raise told(error, parent) from None
    with directory(parent) as root:
        sweep(root)
        with BesideFile(root, path) as file:
            writer = ArchiveWriter(file)
            yield writer
            writer.finish()
            file.publish(name)
