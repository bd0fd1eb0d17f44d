"""One build step's layer: files of this machine and bytes of memory as a gzip tar in a store of blobs."""

import hashlib
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

from slimml.demo.this_python import Tree
from slimml.oci.blobs import BlobStore, BlobWriter
from slimml.oci.codec import Compressor, Encoding, compressor
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest
from slimml.oci.media_types import Compression, layer_type

_GZIP = Encoding(Compression.GZIP, level=6)
"""the level that engines use"""


class _Sink:
    """Takes the tar, hashes it, compresses it into a blob."""

    def __init__(self, blob: BlobWriter, packer: Compressor) -> None:
        self._blob, self._packer = blob, packer
        self.hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self._blob.write(self._packer.compress(data))
        return len(data)

    def finish(self) -> None:
        self._blob.write(self._packer.finish())


class LayerContent:
    """What a step adds, told in the order of the tar; `owner` is the user and group of all entries."""

    def __init__(self, archive: tarfile.TarFile, owner: int, mtime: int) -> None:
        self._archive, self._owner, self._mtime = archive, owner, mtime
        self._made = {""}

    def directory(self, path: str, mode: int = 0o755) -> None:
        """A directory and, before it, those above that were not told yet."""
        if path in self._made:
            return
        self.directory(path.rpartition("/")[0])
        self._made.add(path)
        self._add(path, tarfile.DIRTYPE, mode)

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """A file from memory."""
        self.directory(path.rpartition("/")[0])
        self._add(path, tarfile.REGTYPE, mode, content=io.BytesIO(content), size=len(content))

    def tree(self, tree: Tree) -> None:
        """Files and links of this machine; times of files are kept, since bytecode names those of its source."""
        # Links of directories (lib -> usr/lib) come first, so that what lies behind them is not told beneath them.
        for path, target in sorted(tree.links.items()):
            self.directory(path.rpartition("/")[0])
            self._add(path, tarfile.SYMTYPE, 0o777, link=target)
        for path, source in tree.files.items():
            self.directory(path.rpartition("/")[0])
            state = source.stat()
            mode = 0o755 if state.st_mode & 0o111 else 0o644
            with source.open("rb") as content:
                self._add(path, tarfile.REGTYPE, mode, content=content, size=state.st_size, mtime=int(state.st_mtime))

    def whiteout(self, path: str) -> None:
        """Hide a file of the layers below (image-spec layer.md, section Whiteouts)."""
        above, _, name = path.rpartition("/")
        self.file(f"{above}/.wh.{name}", b"")

    def _add(
        self,
        path: str,
        kind: bytes,
        mode: int,
        *,
        link: str = "",
        content: "io.BufferedIOBase | None" = None,
        size: int = 0,
        mtime: int | None = None,
    ) -> None:
        member = tarfile.TarInfo(path)
        member.type, member.mode, member.linkname, member.size = kind, mode, link, size
        member.uid = member.gid = self._owner
        member.mtime = self._mtime if mtime is None else mtime
        self._archive.addfile(member, content)


def write_layer(
    store: BlobStore, fill: Callable[[LayerContent], None], *, owner: int = 0, mtime: int = 0
) -> tuple[Descriptor, Digest]:
    """Store a layer with what `fill` tells; its descriptor and diff ID."""
    with store.writer() as blob:
        sink = _Sink(blob, compressor(_GZIP))
        with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
            fill(LayerContent(archive, owner, mtime))
        sink.finish()
        return blob.commit(layer_type(Compression.GZIP, docker=False)), Digest("sha256:" + sink.hash.hexdigest())


def read_tree(directory: Path, target: str) -> Tree:
    """All files beneath a directory of this machine, to lie beneath `target`."""
    tree = Tree()
    tree.add_directory(directory, target)
    return tree
