"""Layers onto a directory, as an engine applies them (image-spec layer.md), never outside it (see `root`)."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, NamedTuple, TypeVar

from slimml.engine.bare.root import CAPABILITY, DIRECTORY, Root, enter
from slimml.errors import InvalidImage, Unsupported
from slimml.oci.beneath import told
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.scan import scan_layer
from slimml.oci.tar.events import Entry, Kind
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from slimml.oci.image import Image, Layer

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SET_IDS = 0o6000
_PIECE = 1 << 20
_T = TypeVar("_T")
_XATTR = f"SCHILY.xattr.{CAPABILITY}"


class Rights(NamedTuple):
    """Whose an entry is, with the mode and file capabilities that are lost when that is changed."""

    user: int
    group: int
    mode: int
    capability: bytes


@dataclass
class Unpacked:
    """What did not come along: device nodes in `skipped`; in `rights`, by path, what only root could have given."""

    skipped: list[str] = field(default_factory=list)
    rights: dict[str, Rights] = field(default_factory=dict)


def unpack_image(
    image: Image,
    directory: Path,
    limits: Limits = DEFAULT_LIMITS,
    *,
    privileges: bool = False,
    progress: Progress = SILENT,
) -> Unpacked:
    """Apply all layers of `image` to the empty `directory`; tells what was left out.

    Owners are kept when run as root. With `privileges` so are set-user-ID bits and file capabilities: only for a
    directory that nobody else can enter. Other extended attributes are not. Raises InvalidImage, LimitExceeded,
    Unsupported for sparse files, and SlimmlError, AccessDenied for what the file system refuses.
    """
    unpacked = Unpacked()
    sizes = [layer.descriptor.size for layer in image.layers]
    with (
        Root(directory) as root,
        progress.task("unpacking", sum(sizes) if min(sizes, default=0) >= 0 else None) as task,
    ):
        for layer in image.layers:
            visitor = LayerWriter(root, unpacked, privileges=privileges)
            try:
                _read(image, layer, visitor, limits, task.advance)
            except OSError as error:
                raise told(error, f"unpacking {image.reference} into {directory}") from None
            finally:
                visitor.close()
    return unpacked


def _read(image: Image, layer: Layer, visitor: LayerWriter, limits: Limits, advance: Callable[[int], None]) -> None:
    if image.listing is not None and image.listing.separate:
        # An engine's store holds the files themselves: no tar has to be put together and read again.
        image.listing.scan((layer,), lambda _: visitor, advance)
    else:
        scan_layer(layer, visitor, limits=limits, advance=advance)


class LayerWriter:
    """Writes the entries of one layer below a root (a TarVisitor), and notes in `unpacked` what it leaves out.

    Without `owners` those are noted as well, as for who is not root.
    """

    def __init__(self, root: Root, unpacked: Unpacked, *, privileges: bool, owners: bool = True) -> None:
        self._root = root
        self._unpacked = unpacked
        self._privileges = privileges
        self._kept_bits = 0o1777 | (_SET_IDS if privileges else 0)
        self._made: set[str] = set()
        self._owners = owners and os.geteuid() == 0
        self._parent: tuple[str, int] | None = None
        self._file: int | None = None
        self._entry: Entry | None = None

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
        self._file = self._made_new(entry, lambda parent, name: os.open(name, _NEW_FILE, 0o600, dir_fd=parent))
        self._entry = entry

    def data(self, piece: memoryview) -> None:
        """The next piece of it."""
        assert self._file is not None
        while piece.nbytes:
            piece = piece[os.write(self._file, piece) :]

    def end(self) -> None:
        """The file is complete: owner, mode, capabilities, in this order, since each clears what follows it."""
        assert self._file is not None
        assert self._entry is not None
        entry = self._entry
        capability = self._grant(entry)
        if self._owners:
            os.fchown(self._file, entry.uid, entry.gid)
        os.fchmod(self._file, entry.mode & self._kept_bits)
        if capability and self._owners:
            os.setxattr(self._file, CAPABILITY, capability)
        os.utime(self._file, (entry.mtime, entry.mtime))
        os.close(self._file)
        self._file = None

    def elsewhere(self, entry: Entry, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        """A file that an engine's store keeps."""
        del crc64
        self.begin(entry)
        with opener() as source:
            left = entry.size
            while left and (piece := source.read(min(left, _PIECE))):
                self.data(memoryview(piece))
                left -= len(piece)
        if left:
            raise InvalidImage(f"{entry.path[:200]!r} is {left} bytes shorter in the engine's store than it should be")
        self.end()

    def other(self, entry: Entry) -> None:
        """Everything but files."""
        match entry.kind:
            case Kind.DIRECTORY:
                self._directory(entry)
            case Kind.SYMLINK:
                self._made_new(entry, lambda parent, name: os.symlink(entry.link, name, dir_fd=parent))
                self._own(entry)
            case Kind.HARDLINK:
                self._hard_link(entry)
            case Kind.FIFO:
                mode = entry.mode & self._kept_bits
                self._made_new(entry, lambda parent, name: os.mkfifo(name, mode, dir_fd=parent))
                self._own(entry)
            case Kind.WHITEOUT | Kind.OPAQUE:
                self._hide(entry)
            case _:
                self._unpacked.skipped.append(entry.path)

    def finish(self, tar_bytes: int) -> None:
        """Nothing is left to do."""
        del tar_bytes

    def _directory(self, entry: Entry) -> None:
        if entry.path:
            parent, name = self._place(entry.path)
            with suppress(FileNotFoundError):
                if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                    os.unlink(name, dir_fd=parent)
            opened = enter(parent, name, True)
        else:
            opened = self._root.open_directory("", make=False)
        self._grant(entry)
        try:
            if self._owners:
                os.fchown(opened, entry.uid, entry.gid)
            # Whoever is not root has to be able to write what comes next, and to remove it all at the end.
            os.fchmod(opened, entry.mode & self._kept_bits | (0 if self._owners else 0o700))
        finally:
            os.close(opened)

    def _hard_link(self, entry: Entry) -> None:
        above, _, target = entry.link.rpartition("/")
        try:
            source = self._root.open_directory(above, make=False)
        except FileNotFoundError:
            raise self._dangling(entry) from None

        def link(parent: int, name: str) -> None:
            os.link(target, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)

        try:
            self._made_new(entry, link)
        except FileNotFoundError:
            raise self._dangling(entry) from None
        finally:
            os.close(source)

    @staticmethod
    def _dangling(entry: Entry) -> InvalidImage:
        return InvalidImage(f"{entry.path[:200]!r} is a hard link to {entry.link[:200]!r}, which is not there")

    def _grant(self, entry: Entry) -> bytes:
        """Note what root would give this entry, unless we are root; its file capabilities (capabilities(7))."""
        capability = (entry.pax or {}).get(_XATTR, b"") if self._privileges else b""
        if not self._owners:
            rights = Rights(entry.uid, entry.gid, entry.mode & self._kept_bits, capability)
            plain = Rights(0, 0, entry.mode & 0o777 | (0o700 if entry.kind is Kind.DIRECTORY else 0), b"")
            self._unpacked.rights.pop(entry.path, None)
            if rights != plain:
                self._unpacked.rights[entry.path] = rights
        return capability

    def _own(self, entry: Entry) -> None:
        self._grant(entry)
        if self._owners:
            parent, name = self._place(entry.path)
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

    def _made_new(self, entry: Entry, make: Callable[[int, str], _T]) -> _T:
        """What `make` makes at the place of a new entry; what was there before is removed.

        Looking first whether something is there would cost a system call for each of many thousand new files.
        """
        parent, name = self._place(entry.path)
        try:
            return make(parent, name)
        except FileExistsError:
            _remove(parent, name)
            return make(parent, name)

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
            opened = os.open(name, DIRECTORY, dir_fd=parent)
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
