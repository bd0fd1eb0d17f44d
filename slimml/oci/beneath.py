"""Files beneath a directory, opened so that no link inside it leads out: layouts come from strangers."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from slimml.errors import AccessDenied, InvalidImage, NotFound, SlimmlError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Non-blocking, so that opening a FIFO that a stranger left there does not wait for ever.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def told(error: OSError, what: str) -> SlimmlError:
    """The error of ours that says what the operating system said of `what`."""
    reason = f"{what}: {os.strerror(error.errno or 0)}"
    match error.errno:
        case errno.ENOENT:
            return NotFound(f"{what} does not exist")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return AccessDenied(f"{reason}; check its owner and mode")
        case errno.ELOOP:
            return InvalidImage(f"{what} is a symbolic link, which slimml does not follow there")
        case errno.ENOTDIR:
            return InvalidImage(f"{what} is not a directory (a symbolic link is not followed there)")
        case errno.ENOSPC | errno.EDQUOT:
            return SlimmlError(f"{reason}; make room and run again")
        case _:
            return SlimmlError(reason)


@contextmanager
def directory(path: str) -> Iterator[int]:
    """A file descriptor of the directory at `path`. The path is the user's own word, so its links are followed.

    Raises NotFound, AccessDenied, InvalidImage.
    """
    try:
        found = os.open(path, _DIRECTORY)
    except OSError as error:
        raise told(error, path) from None
    try:
        yield found
    finally:
        os.close(found)


@contextmanager
def subdirectory(root: int, name: str, what: str, *, make: bool = False) -> Iterator[int]:
    """The directory `name` (one component) in `root`, never through a link; `make` creates what is missing."""
    try:
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=root)
        found = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=root)
    except OSError as error:
        raise told(error, what) from None
    try:
        yield found
    finally:
        os.close(found)


def open_file(root: int, relative: str, what: str) -> int:
    """A descriptor for reading the regular file `relative` beneath `root`; the caller closes it.

    No component may be a link. Raises NotFound, AccessDenied, and InvalidImage for links and special files.
    """
    *parents, name = relative.split("/")
    if not name or any(part in ("", ".", "..") for part in (*parents, name)):
        raise InvalidImage(f"{what}: {relative[:200]!r} does not stay beneath its directory")
    if parents:
        with subdirectory(root, parents[0], what) as inner:
            return open_file(inner, "/".join((*parents[1:], name)), what)
    try:
        found = os.open(name, _FILE, dir_fd=root)
    except OSError as error:
        raise told(error, what) from None
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise InvalidImage(f"{what} is not a regular file")
    return found
