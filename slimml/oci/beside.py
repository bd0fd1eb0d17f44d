"""Outputs appear whole or not at all: written beside under a temporary name, synced, then renamed.

A temporary name is `.slimml-PID-RANDOM`. Its writer holds a `flock` on it, which the kernel drops when the writer dies
however it dies; so a name that can be locked is a leftover, in whatever PID namespace its writer lived.
"""

import errno
import fcntl
import os
import secrets
import shutil
import stat
from typing import Self

from slimml.oci.beneath import told

_PREFIX = ".slimml-"


class BesideFile:
    """A new file in the directory behind `root` (a descriptor, which must stay open), nameless until `publish`.

    Leaving the context without publishing removes it.
    """

    def __init__(self, root: int, what: str) -> None:
        self._root = root
        self._what = what
        self._name, self.descriptor = _create(root, what)
        self._published = False

    def write(self, data: bytes | memoryview) -> None:
        """Append all of `data`; raises SlimmlError (disk full) and AccessDenied."""
        left = memoryview(data).cast("B")
        try:
            while left:
                left = left[os.write(self.descriptor, left) :]
        except OSError as error:
            raise told(error, self._what) from None

    def write_at(self, position: int, data: bytes) -> None:
        """Overwrite bytes that were written before."""
        try:
            os.pwrite(self.descriptor, data, position)
        except OSError as error:
            raise told(error, self._what) from None

    def publish(self, name: str, target: int | None = None) -> None:
        """Sync, then take `name` in the directory `target` (by default where it lies), replacing what has it."""
        place = self._root if target is None else target
        try:
            os.fsync(self.descriptor)
            os.rename(self._name, name, src_dir_fd=self._root, dst_dir_fd=place)
            self._published = True
            os.fsync(place)
        except OSError as error:
            raise told(error, self._what) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if not self._published:
            remove(self._root, self._name)
        os.close(self.descriptor)


class BesideDirectory:
    """A new directory in the one behind `root`, nameless until `publish`; removed with all in it without that."""

    def __init__(self, root: int, what: str) -> None:
        self._root = root
        self._what = what
        self.name, self._descriptor = _create_directory(root, what)
        self._published = False

    def publish(self, name: str) -> bool:
        """Sync, then take `name`; False when something other than an empty directory has it already."""
        try:
            os.fsync(self._descriptor)
            os.rename(self.name, name, src_dir_fd=self._root, dst_dir_fd=self._root)
            self._published = True
            os.fsync(self._root)
        except (FileExistsError, NotADirectoryError):
            return False
        except OSError as error:
            if error.errno == errno.ENOTEMPTY:
                return False
            raise told(error, self._what) from None
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if not self._published:
            remove(self._root, self.name)
        os.close(self._descriptor)


def _create_directory(root: int, what: str) -> tuple[str, int]:
    while True:
        name = temporary_name()
        try:
            os.mkdir(name, 0o755, dir_fd=root)
            found = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise told(error, what) from None
        if claim(root, name, found):
            return name, found
        os.close(found)


def _create(root: int, what: str) -> tuple[str, int]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        name = temporary_name()
        try:
            found = os.open(name, flags, 0o644, dir_fd=root)
        except OSError as error:
            raise told(error, what) from None
        if claim(root, name, found):
            return name, found
        os.close(found)


def temporary_name() -> str:
    """A fresh name that `sweep` knows."""
    return f"{_PREFIX}{os.getpid()}-{secrets.token_hex(8)}"


def claim(root: int, name: str, descriptor: int) -> bool:
    """Lock the file or directory just made; False when a sweep of somebody else took it for a leftover meanwhile."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks: nobody can sweep there, so nobody takes it from us either.
        return True
    try:
        return os.path.samestat(os.stat(name, dir_fd=root, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _abandoned(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def sweep(root: int) -> None:
    """Remove from the directory behind `root` what killed writers left; what cannot be removed stays."""
    for name in os.listdir(root):
        if not name.startswith(_PREFIX):
            continue
        try:
            found = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=root)
        except OSError:
            continue
        try:
            if _abandoned(found):
                remove(root, name)
        finally:
            os.close(found)


def remove(root: int, name: str) -> None:
    """Remove a file or a tree; errors are left to the next sweep."""
    try:
        if stat.S_ISDIR(os.stat(name, dir_fd=root, follow_symlinks=False).st_mode):
            shutil.rmtree(name, ignore_errors=True, dir_fd=root)
        else:
            os.unlink(name, dir_fd=root)
    except OSError:
        return
