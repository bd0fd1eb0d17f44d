"""Layers onto a directory, as an engine applies them (image-spec layer.md), never outside it.

Every step is taken by the descriptor of a directory that was opened without following a link. Links of the image are
resolved here, inside the root, so that neither `..` nor an absolute target leads out (CVE-2014-9356, CVE-2021-29136).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Self

from slimml.errors import InvalidImage, Unsupported
from slimml.oci.beneath import told
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.scan import scan_layer
from slimml.oci.tar.events import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slimml.oci.image import Image

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40
"""as Linux counts, path_resolution(7)"""
_PERMISSIONS = 0o1777
"""set-user-ID and set-group-ID bits stay behind: nothing here is meant to run with another's rights"""


def unpack_image(image: Image, directory: Path, limits: Limits = DEFAULT_LIMITS) -> tuple[str, ...]:
    """Apply all layers of `image` to the empty `directory`; the paths that were left out (device nodes).

    Owners are kept when run as root. Extended attributes and set-user-ID bits are not. Raises InvalidImage,
    LimitExceeded, Unsupported for sparse files, and SlimmlError, AccessDenied for what the file system refuses.
    """
    skipped: list[str] = []
    with Root(directory) as root:
        for layer in image.layers:
            visitor = LayerWriter(root)
            try:
                scan_layer(layer, visitor, limits=limits)
            except OSError as error:
                raise told(error, f"unpacking {image.reference} into {directory}") from None
            finally:
                visitor.close()
            skipped += visitor.skipped
    return tuple(skipped)


class Root:
    """A directory that paths of an image are resolved in."""

    def __init__(self, directory: Path) -> None:
        self._root = os.open(directory, _DIRECTORY)

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
                    stack.append(_enter(stack[-1], name, make))
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                        raise
                    target = _link_text(stack[-1], name, path)
                    links += 1
                    if links > _MOST_LINKS:
                        raise InvalidImage(f"{path[:200]!r} leads through more than {_MOST_LINKS} links") from None
                    if target.startswith("/"):
                        while len(stack) > 1:
                            os.close(stack.pop())
                    waiting += _parts(target)[::-1]
            return stack.pop()
        finally:
            for opened in stack:
                os.close(opened)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _enter(parent: int, name: str, make: bool) -> int:
    try:
        return os.open(name, _DIRECTORY, dir_fd=parent)
    except FileNotFoundError:
        if not make:
            raise
        os.mkdir(name, 0o755, dir_fd=parent)
        return os.open(name, _DIRECTORY, dir_fd=parent)


def _link_text(parent: int, name: str, path: str) -> str:
    try:
        return os.readlink(name, dir_fd=parent)
    except OSError:
        raise InvalidImage(f"{path[:200]!r}: {name[:100]!r} on the way is no directory") from None


class LayerWriter:
    """Writes the entries of one layer below a root (a TarVisitor). `skipped` lists the device nodes left out."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._made: set[str] = set()
        self._owners = os.geteuid() == 0
        self._parent: tuple[str, int] | None = None
        self._file: int | None = None
        self._entry: Entry | None = None
        self.skipped: list[str] = []

    def close(self) -> None:
        """Give back what is open, also after an error."""
        for opened in (self._file, self._parent and self._parent[1]):
            if opened is not None:
                os.close(opened)
        self._file = self._parent = None

    def whole(self, entry: Entry, content: memoryview) -> None:
        """A file at once."""
        self.begin(entry)
        self.data(content)
        self.end()

    def begin(self, entry: Entry) -> None:
        """A file whose content follows."""
        if entry.size != entry.stored:
            raise Unsupported(f"{entry.path[:200]!r} is a sparse file, which is not unpacked here")
        parent, name = self._make_room(entry)
        self._file = os.open(name, _NEW_FILE, 0o600, dir_fd=parent)
        self._entry = entry

    def data(self, piece: memoryview) -> None:
        """The next piece of it."""
        assert self._file is not None
        while piece.nbytes:
            piece = piece[os.write(self._file, piece) :]

    def end(self) -> None:
        """The file is complete: owner, mode and time, in this order, since chown clears bits of the mode."""
        assert self._file is not None
        assert self._entry is not None
        entry = self._entry
        if self._owners:
            os.fchown(self._file, entry.uid, entry.gid)
        os.fchmod(self._file, entry.mode & _PERMISSIONS)
        os.utime(self._file, (entry.mtime, entry.mtime))
        os.close(self._file)
        self._file = None

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        """A file that an engine's store keeps."""
        del crc64
        self.begin(entry)
        with opener() as source:
            while piece := source.read(1 << 20):
                self.data(memoryview(piece))
        self.end()

    def other(self, entry: Entry) -> None:
        """Everything but files."""
        match entry.kind:
            case Kind.DIRECTORY:
                self._directory(entry)
            case Kind.SYMLINK:
                parent, name = self._make_room(entry)
                os.symlink(entry.link, name, dir_fd=parent)
                self._own(parent, name, entry)
            case Kind.HARDLINK:
                self._hard_link(entry)
            case Kind.FIFO:
                parent, name = self._make_room(entry)
                os.mkfifo(name, entry.mode & _PERMISSIONS, dir_fd=parent)
                self._own(parent, name, entry)
            case Kind.WHITEOUT | Kind.OPAQUE:
                self._hide(entry)
            case _:
                self.skipped.append(entry.path)

    def finish(self, tar_bytes: int) -> None:
        """Nothing is left to do."""
        del tar_bytes

    def _directory(self, entry: Entry) -> None:
        if entry.path:
            parent, name = self._place(entry.path)
            with suppress(FileNotFoundError):
                if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=parent)
            opened = _enter(parent, name, True)
        else:
            opened = self._root.open_directory("", make=False)
        try:
            if self._owners:
                os.fchown(opened, entry.uid, entry.gid)
            # Whoever is not root has to be able to write what comes next, and to remove it all at the end.
            os.fchmod(opened, entry.mode & _PERMISSIONS | (0 if self._owners else 0o700))
        finally:
            os.close(opened)

    def _hard_link(self, entry: Entry) -> None:
        above, _, target = entry.link.rpartition("/")
        try:
            source = self._root.open_directory(above, make=False)
        except FileNotFoundError:
            raise self._dangling(entry) from None
        try:
            parent, name = self._make_room(entry)
            os.link(target, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            raise self._dangling(entry) from None
        finally:
            os.close(source)

    @staticmethod
    def _dangling(entry: Entry) -> InvalidImage:
        return InvalidImage(f"{entry.path[:200]!r} is a hard link to {entry.link[:200]!r}, which is not there")

    def _own(self, parent: int, name: str, entry: Entry) -> None:
        if self._owners:
            os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)

    def _place(self, path: str) -> tuple[int, str]:
        """A descriptor of the directory that holds `path`, valid until the next call, and the last component."""
        above, _, name = path.rpartition("/")
        if name in ("", ".", ".."):
            raise InvalidImage(f"{path[:200]!r} names no file")
        if self._parent is None or self._parent[0] != above:
            opened = self._root.open_directory(above, make=True)
            if self._parent is not None:
                os.close(self._parent[1])
            self._parent = (above, opened)
        while path and path not in self._made:
            self._made.add(path)
            path = path.rpartition("/")[0]
        return self._parent[1], name

    def _make_room(self, entry: Entry) -> tuple[int, str]:
        """The place of a new entry, with what was there before removed."""
        parent, name = self._place(entry.path)
        _remove(parent, name)
        return parent, name

    def _hide(self, entry: Entry) -> None:
        """A whiteout hides what lower layers left, never what this layer itself brings, whichever comes first."""
        if self._parent is not None:
            os.close(self._parent[1])
            self._parent = None
        above, _, name = entry.path.rpartition("/")
        try:
            parent = self._root.open_directory(above, make=False)
        except FileNotFoundError:
            return
        try:
            if entry.kind is Kind.WHITEOUT and entry.path not in self._made:
                _remove(parent, name)
            else:
                self._clear(parent, name or ".", entry.path)
        finally:
            os.close(parent)

    def _clear(self, parent: int, name: str, path: str) -> None:
        """Empty the directory `name`, whose path is `path`, of all that this layer did not make."""
        try:
            opened = os.open(name, _DIRECTORY, dir_fd=parent)
        except (FileNotFoundError, NotADirectoryError):
            return
        try:
            for child in os.listdir(opened):
                inner = f"{path}/{child}" if path else child
                if inner in self._made:
                    self._clear(opened, child, inner)
                else:
                    _remove(opened, child)
        finally:
            os.close(opened)


def _remove(parent: int, name: str) -> None:
    """Remove whatever is there under a name, if anything is."""
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        shutil.rmtree(name, dir_fd=parent)
