"""The kernel's page cache before and after a start: made cold where this user may, and how much of it is filled."""

from __future__ import annotations

import ctypes
import mmap
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

DROP_CACHES = Path("/proc/sys/vm/drop_caches")
_PAGES_AND_ENTRIES = "3"
"""of drop_caches: the page cache, directory entries and inodes (Documentation/admin-guide/sysctl/vm.rst)"""
_PAGE = mmap.PAGESIZE
_RESIDENT = 1


class Coldness(StrEnum):
    """How the page cache was before a start."""

    DROPPED = "dropped"
    """everything that no process has mapped was dropped, of the whole machine"""
    EVICTED = "evicted"
    """the pages of the image's files were given back"""
    WARM = "warm"
    """as earlier starts left it"""


@dataclass(frozen=True)
class Cooling:
    """What was done to make a start cold. `reason` says why it is not, None when it is."""

    coldness: Coldness
    reason: str | None = None


@dataclass(frozen=True)
class ResidentFile:
    """A file of which the page cache holds something; `path` is absolute within the directory that was looked at."""

    path: str
    bytes: int
    resident_bytes: int


@dataclass(frozen=True)
class Residency:
    """How much of the files of a directory the page cache holds, in bytes, and of which files it holds something."""

    bytes: int
    resident_bytes: int
    files: tuple[ResidentFile, ...]


def make_cold(directories: Iterable[Path] = ()) -> Cooling:
    """Let the next read of an image's files go to the disk.

    As root the kernel drops what it can of its cache. Else the pages of the files beneath `directories` are given back
    (posix_fadvise(2)). A disk of a virtual machine may still be cached by its host.
    """
    os.sync()
    try:
        DROP_CACHES.write_text(_PAGES_AND_ENTRIES, "ascii")
    except OSError as error:
        why = f"{DROP_CACHES} cannot be written ({error.strerror})"
    else:
        return Cooling(Coldness.DROPPED)
    evicted = sum(_evict(directory) for directory in directories)
    if evicted:
        return Cooling(Coldness.EVICTED)
    return Cooling(Coldness.WARM, f"warm only: {why}, and the image's files are not within this user's reach")


def residency(directory: Path) -> Residency | None:
    """What the page cache holds of the files beneath `directory` on its own file system; None unless root asks.

    mincore(2) tells others that everything is resident.
    """
    if os.geteuid() != 0:
        return None
    libc = _libc()
    total = resident = 0
    found: list[ResidentFile] = []
    for path, file, size in _files(directory):
        total += size
        pages = _resident_pages(libc, file, size)
        if pages:
            held = min(pages * _PAGE, size)
            resident += held
            found.append(ResidentFile(path, size, held))
    return Residency(total, resident, tuple(found))


def _evict(directory: Path) -> int:
    """Give the pages of all readable files back; how many files."""
    count = 0
    for _, file, _ in _files(directory):
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        count += 1
    return count


def _files(directory: Path) -> Iterator[tuple[str, int, int]]:
    """Path within, descriptor and size of every regular file that has content and can be read.

    Neither links nor other file systems (/proc, /sys) are entered. Of an overlay only directories tell by their device
    number that they belong to it, so files are not asked.
    """
    # With the dot also a link to a directory is one, as /proc/PID/root is.
    start = f"{directory}/."
    if not os.path.isdir(start):
        return
    device = os.stat(start).st_dev
    for place, below, names, folder in os.fwalk(start, follow_symlinks=False):
        below[:] = [name for name in below if _on_device(name, folder, device)]
        within = place[len(start) :].strip("/")
        for name in names:
            file = _opened(name, folder)
            if file is None:
                continue
            try:
                size = os.fstat(file).st_size
                if size:
                    yield f"/{within}/{name}" if within else f"/{name}", file, size
            finally:
                os.close(file)


def _on_device(name: str, folder: int, device: int) -> bool:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_dev == device
    except OSError:
        return False


def _opened(name: str, folder: int) -> int | None:
    """A regular file, open for reading; None for what is none. Opening a FIFO or a device could block or act."""
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return None
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long)
    libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
    libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p)
    return libc


def _resident_pages(libc: ctypes.CDLL, file: int, size: int) -> int:
    """How many pages of an open file are in memory; 0 where the kernel does not tell."""
    # Python's own mmap gives the address of read-only maps to nobody.
    address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        return 0
    try:
        told = ctypes.create_string_buffer((size + _PAGE - 1) // _PAGE)
        if libc.mincore(address, size, told) != 0:
            return 0
        return sum(page & _RESIDENT for page in told.raw) if any(told.raw) else 0
    finally:
        libc.munmap(address, size)
