"""fanotify(7) as Python does not offer it: groups, marks on file systems, and what is read from them.

Imported by a process that has to start quickly: nothing else of slimml may be imported here.
"""

import ctypes
import errno
import os
import resource
import struct
from collections.abc import Iterator
from typing import NamedTuple

OPEN, OPEN_EXEC, CLOSE_WRITE, OVERFLOW, ON_DIRECTORY = 0x20, 0x1000, 0x8, 0x4000, 0x40000000
OPENINGS = OPEN | OPEN_EXEC | CLOSE_WRITE | ON_DIRECTORY
"""what a group of `open_group` is told of"""
EXEC_ASKED = 0x40000
"""what a group of `open_gate` is asked about"""
_CLASS_CONTENT, _ALLOW = 0x4, 1
_ANSWER = struct.Struct("=iI")
_CLOEXEC, _NONBLOCK, _UNLIMITED_QUEUE, _UNLIMITED_MARKS, _REPORT_FD_ERROR = 0x1, 0x2, 0x10, 0x20, 0x2000
_MARK_ADD, _MARK_FILESYSTEM = 0x1, 0x100
_O_LARGEFILE = 0o100000
_AT_FDCWD = -100
_EVENT = struct.Struct("=IBBHQii")
_VERSION = 3
_SPARE = 64
"""descriptors that are needed for other things than events"""
_MOST_EVENTS = 4096
_libc = ctypes.CDLL(None, use_errno=True)


class Event(NamedTuple):
    """`mask` tells what happened, `descriptor` is the file (ours to close), negative where the kernel gave none."""

    mask: int
    descriptor: int
    pid: int


def open_group() -> int:
    """A notification group without limits of its own; raises OSError (EPERM without CAP_SYS_ADMIN, ENOSYS)."""
    return _open_group(0)


def open_gate() -> int:
    """A group that is asked before a program begins, which waits for `let_go`; raises OSError as `open_group` does.

    When its last descriptor is closed, by whatever end of its process, all that wait go on.
    """
    return _open_group(_CLASS_CONTENT)


def _open_group(kind: int) -> int:
    flags = kind | _CLOEXEC | _NONBLOCK | _UNLIMITED_QUEUE | _UNLIMITED_MARKS
    # O_NOATIME, or looking on would change what is looked at.
    events = ctypes.c_uint(os.O_RDONLY | os.O_CLOEXEC | _O_LARGEFILE | os.O_NOATIME)
    for more in (_REPORT_FD_ERROR, 0):  # which Linux has since 6.13
        group = int(_libc.fanotify_init(ctypes.c_uint(flags | more), events))
        if group >= 0:
            return group
        if ctypes.get_errno() != errno.EINVAL:
            break
    raise OSError(ctypes.get_errno(), f"fanotify: {os.strerror(ctypes.get_errno())}")


def mark_file_system(group: int, path: str, mask: int = OPENINGS) -> None:
    """From now on a group hears of `mask` on the file system that `path` lies on, whatever mount it goes through.

    Raises OSError (EINVAL for EXEC_ASKED where the kernel cannot ask: before Linux 5.0, or built without).
    """
    flags = ctypes.c_uint(_MARK_ADD | _MARK_FILESYSTEM)
    where = os.fsencode(path)
    if _libc.fanotify_mark(ctypes.c_int(group), flags, ctypes.c_uint64(mask), ctypes.c_int(_AT_FDCWD), where) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"fanotify on {path}: {os.strerror(code)}")


def let_go(gate: int, event: Event) -> None:
    """Let the program begin that asks for it."""
    os.write(gate, _ANSWER.pack(event.descriptor, _ALLOW))


def buffer_bytes() -> int:
    """How much may be read at once: with more events than descriptors are left, the rest would be lost in silence.

    Raises this process' limit of descriptors as far as it may.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    events = min(max(hard - _SPARE, 1), _MOST_EVENTS)
    return events * _EVENT.size


def read_events(group: int, size: int) -> Iterator[Event]:
    """The events of one read of at most `size` bytes; none when nothing is waiting. Raises OSError."""
    try:
        data = os.read(group, size)
    except BlockingIOError:
        return
    at = 0
    while at < len(data):
        length, version, _, _, mask, descriptor, pid = _EVENT.unpack_from(data, at)
        if version != _VERSION or length < _EVENT.size:
            raise OSError(errno.EPROTO, "events of another version of fanotify")
        yield Event(mask, descriptor, pid)
        at += length
