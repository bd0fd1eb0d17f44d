"""Blobs that are members of an image archive."""

from collections.abc import Mapping

from slimml.errors import InvalidImage, NotFound
from slimml.oci.archive_file import ArchiveFile
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest, algorithm_of, hex_of
from slimml.oci.window import Window


class ArchiveBlobs:
    """`names` says which member a digest is; by default as in an image layout, `blobs/ALGORITHM/HEX`."""

    def __init__(self, archive: ArchiveFile, names: Mapping[Digest, str] | None = None) -> None:
        self._archive = archive
        self._names = names

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Window:
        """The blob from byte `offset` on, not verified; raises NotFound, and InvalidImage for one of another size."""
        digest = descriptor.digest
        name = f"blobs/{algorithm_of(digest)}/{hex_of(digest)}" if self._names is None else self._names.get(digest)
        if name is None:
            raise NotFound(f"{self._archive.path} has no blob {digest}")
        size = self._archive.size_of(name)
        if descriptor.size not in (UNKNOWN_SIZE, size):
            raise InvalidImage(
                f"blob {digest} of {self._archive.path} has {size} bytes, its descriptor says {descriptor.size}"
            )
        return self._archive.open(name, offset)
