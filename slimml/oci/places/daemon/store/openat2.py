"""Open a file beneath a directory with one system call that follows no link: openat2(2), Linux 5.6.

Where the kernel or a sandbox does not have it, the way is walked component by component (`oci.beneath`).
"""

import ctypes
import errno
import os
import stat
import struct

from slimml.errors import InvalidImage
from slimml.oci.beneath import open_file, told

_OPENAT2 = 437  # the same number on every architecture: it is younger than their common table
_RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH = 0x04, 0x08
# Non-blocking, so that opening a FIFO does not wait for ever.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_HOW = struct.pack("=QQQ", _FLAGS, 0, _RESOLVE_NO_SYMLINKS | _RESOLVE_BENEATH)
_MISSING = (errno.ENOSYS, errno.EPERM)
_AGAIN = (errno.EINTR, errno.EAGAIN)

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_syscall.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)


def open_beneath(root: int, relative: str, what: str) -> int:
    """A descriptor for reading the regular file `relative` beneath the directory `root`; the caller closes it.

    `relative` may hold surrogate escapes. Raises NotFound, AccessDenied, and InvalidImage for links, special files and
    ways that lead out.
    """
    path = os.fsencode(relative)
    if b"\0" in path:
        raise InvalidImage(f"{what}: a path holds a NUL")
    while True:
        found = _syscall(_OPENAT2, root, path, _HOW, len(_HOW))
        if found >= 0:
            break
        code = ctypes.get_errno()
        if code in _MISSING:
            return open_file(root, relative, what)
        if code == errno.EXDEV:
            raise InvalidImage(f"{what}: {relative[:200]!r} does not stay beneath its directory")
        if code not in _AGAIN:
            raise told(OSError(code, os.strerror(code)), what)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise InvalidImage(f"{what} is not a regular file")
    return int(found)
