"""A directory that paths of an image are resolved in, never outside it.

Every step is taken by the descriptor of a directory that was opened without following a link. Links of the image are
resolved here, inside the root, so that neither `..` nor an absolute target leads out (CVE-2014-9356, CVE-2021-29136).
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from slimml.errors import InvalidImage

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MOST_LINKS = 40
"""as Linux counts, path_resolution(7)"""
CAPABILITY = "security.capability"


class Root:
    """A directory that paths of an image are resolved in."""

    def __init__(self, directory: Path) -> None:
        self._root = os.open(directory, DIRECTORY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        os.close(self._root)

    def open_directory(self, path: str, *, make: bool) -> int:
        """A descriptor of the directory at `path`, links of the image followed inside the root; the caller closes it.

        `make` creates what is missing. Raises InvalidImage for what cannot be a directory, FileNotFoundError.
        """
        waiting = _parts(path)[::-1]
        stack = [os.dup(self._root)]
        links = 0
        try:
            while waiting:
                name = waiting.pop()
                if name == "..":
                    if len(stack) > 1:
                        os.close(stack.pop())
                    continue
                try:
                    stack.append(enter(stack[-1], name, make))
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                        raise
                    target = _link_text(stack[-1], name, path)
                    links += 1
                    if links > _MOST_LINKS:
                        raise _too_many(path) from None
                    if target.startswith("/"):
                        while len(stack) > 1:
                            os.close(stack.pop())
                    waiting += _parts(target)[::-1]
            return stack.pop()
        finally:
            for opened in stack:
                os.close(opened)

    def open_file(self, path: str) -> int | None:
        """A descriptor for reading the regular file at `path`, links followed inside the root; None for a directory.

        The caller closes it. Raises FileNotFoundError, also for special files, and InvalidImage.
        """
        parent, name = self._followed(path)
        try:
            mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                return None
            if not stat.S_ISREG(mode):
                raise FileNotFoundError(errno.ENOENT, "is no regular file", path)
            return os.open(name, _FILE, dir_fd=parent)
        finally:
            os.close(parent)

    def status(self, path: str) -> os.stat_result:
        """What is at `path`, links followed inside the root; raises FileNotFoundError, InvalidImage."""
        parent, name = self._followed(path)
        try:
            return os.stat(name, dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(parent)

    def _followed(self, path: str) -> tuple[int, str]:
        """A descriptor of the directory in which `path` ends, and the name there, which is no link."""
        asked = path
        for _ in range(_MOST_LINKS):
            above, _, name = path.rstrip("/").rpartition("/")
            if name in ("", ".", ".."):
                return self.open_directory(path, make=False), "."
            parent = self.open_directory(above, make=False)
            try:
                target = os.readlink(name, dir_fd=parent)
            except OSError as error:
                if error.errno == errno.EINVAL:  # no link
                    return parent, name
                os.close(parent)
                raise
            os.close(parent)
            path = target if target.startswith("/") else f"{above}/{target}"
        raise _too_many(asked)

    def own(self, path: str, user: int, group: int, mode: int, capability: bytes) -> None:
        """Give what is at `path` (a link itself, too) an owner, then what changing the owner takes away.

        Raises OSError, InvalidImage. Links have no mode of their own.
        """
        above, _, name = path.rpartition("/")
        parent = self.open_directory(above, make=False)
        try:
            os.chown(name or ".", user, group, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISLNK(os.stat(name or ".", dir_fd=parent, follow_symlinks=False).st_mode):
                return
            os.chmod(name or ".", mode, dir_fd=parent)
            if capability:
                opened = os.open(name, _FILE, dir_fd=parent)
                try:
                    os.setxattr(opened, CAPABILITY, capability)
                finally:
                    os.close(opened)
        finally:
            os.close(parent)


def enter(parent: int, name: str, make: bool) -> int:
    """A descriptor of the directory `name` in `parent`, never through a link; raises OSError."""
    try:
        return os.open(name, DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        if not make:
            raise
        # Two containers may make it at the same time.
        with suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=parent)
        return os.open(name, DIRECTORY, dir_fd=parent)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _too_many(path: str) -> InvalidImage:
    return InvalidImage(f"{path[:200]!r} leads through more than {_MOST_LINKS} links")


def _link_text(parent: int, name: str, path: str) -> str:
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:
        raise InvalidImage(f"{path[:200]!r}: {name[:100]!r} on the way is no directory") from None
