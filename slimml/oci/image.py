"""An image as an immutable value: a manifest, a configuration, and layers that know how to open their blobs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol, Self

from slimml.errors import InvalidImage
from slimml.oci.config import HistoryEntry, ImageConfig
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest
from slimml.oci.manifest import Manifest
from slimml.oci.media_types import Compression, compression_of
from slimml.oci.reference import Reference
from slimml.oci.tar.events import TarVisitor


class Stream(Protocol):
    """Bytes that arrive in order. `read(n)` gives at most n bytes, b"" at the end."""

    def read(self, size: int = -1, /) -> bytes: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...


class Blobs(Protocol):
    """Where the bytes of blobs come from. What comes out is *not* verified: readers verify while streaming."""

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Stream:
        """The blob from byte `offset` on; raises NotFound, AccessDenied, Unavailable."""


@dataclass(frozen=True)
class Layer:
    """One layer. `diff_id` is the digest of its tar, `descriptor` names the blob as stored."""

    descriptor: Descriptor
    diff_id: Digest
    history: HistoryEntry | None
    blobs: Blobs

    @property
    def compression(self) -> Compression:
        """How the blob is stored."""
        return compression_of(self.descriptor.media_type)

    def open(self, offset: int = 0) -> Stream:
        """The blob's bytes as stored, not verified."""
        return self.blobs.open_blob(self.descriptor, offset)


class Listing(Protocol):
    """A place's own quicker way to list layers (an engine's store, one `docker save` for all layers).

    `separate` says that listing layers one by one, in several processes too, costs no more than all at once.
    """

    separate: bool

    def weight(self, layer: Layer) -> int:
        """How long listing a layer takes, in any unit: the greater the longer; 0 where that is not known."""

    def scan(
        self, layers: Iterable[Layer], visitor_of: Callable[[Layer], TarVisitor], advance: Callable[[int], None]
    ) -> "dict[Digest, ScanFacts]":
        """Drive a visitor over each layer's entries, in any order; the facts by diff ID.

        `advance` is told of bytes as they are read. Raises what reading the layers themselves would raise.
        """


@dataclass(frozen=True)
class ScanFacts:
    """What reading a layer told of it. All sizes are bytes.

    `blob_bytes` is None where no stored blob was read (an engine's store). `diff_id` is None where the tar was not
    hashed. `checkpoints` are ascending (tar offset, blob offset) pairs, empty for what is not compressed.
    """

    tar_bytes: int
    blob_bytes: int | None
    diff_id: Digest | None
    checkpoints: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Image:
    """`reference` is where it was found; `listing` is None where reading the blobs is the only way."""

    reference: Reference
    manifest: Manifest
    config: ImageConfig
    layers: tuple[Layer, ...]
    listing: Listing | None = None

    @property
    def compressed_bytes(self) -> int:
        """Bytes of all layer blobs as stored, once for every use; UNKNOWN_SIZE where one is not known."""
        sizes = [layer.descriptor.size for layer in self.layers]
        return UNKNOWN_SIZE if UNKNOWN_SIZE in sizes else sum(sizes)

    def at(self, reference: Reference) -> "Image":
        """The same image, said to live elsewhere."""
        return replace(self, reference=reference)


def assemble(
    reference: Reference, manifest: Manifest, config: ImageConfig, blobs: Blobs, listing: Listing | None = None
) -> Image:
    """An image from its two documents and a place for its blobs; raises InvalidImage when they contradict."""
    if len(manifest.layers) != len(config.diff_ids):
        raise InvalidImage(
            f"{reference}: the manifest has {len(manifest.layers)} layers, the config {len(config.diff_ids)} diff IDs"
        )
    for descriptor in manifest.layers:
        compression_of(descriptor.media_type)
    joined = zip(manifest.layers, config.diff_ids, config.layer_history, strict=True)
    layers = tuple(Layer(descriptor, diff_id, entry, blobs) for descriptor, diff_id, entry in joined)
    return Image(reference, manifest, config, layers, listing)
