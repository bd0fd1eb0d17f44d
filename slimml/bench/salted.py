"""Copies of an image that no engine holds yet, with the same content: every layer ends in a few more zero blocks.

A tar ends with two blocks of zeros; more may follow, as tar(1) itself writes them to fill a record (POSIX.1-2017, pax,
"ustar Interchange Format"), and every reader passes over them. A blob of gzip members or zstd frames may have one more
of them (RFC 1952, 2.2; RFC 8878, 3.1). So a salt appended to a blob changes its digest and its diff ID, and nothing
that is unpacked: a pull of the copy is cold in any engine, without touching what the engine holds. Hash states are kept
at the end of each layer, so that a further copy costs the hashing of its salt only.
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from slimml.errors import InvalidImage, Unsupported
from slimml.oci import documents
from slimml.oci.codec import Decoded, Encoding, compressor
from slimml.oci.config import parse_config
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest, algorithm_of, sha256, short
from slimml.oci.image import Image, Layer, Stream, assemble
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import DOCKER_CONFIG, DOCKER_MANIFEST, OCI_CONFIG, Compression, is_foreign, layer_type
from slimml.oci.reference import Transport
from slimml.oci.verified_layer import verified_tar
from slimml.oci.verify import verified
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.oci.blobs import BlobStore, BlobWriter

BLOCK = 512
MOST_BLOCKS = 2048
"""a salt is at most a megabyte of zeros, a kilobyte in a compressed blob"""
AS_PUSHED = Encoding(Compression.GZIP, 6)
"""how the plain layers of an engine are compressed, as its own push would"""

_CHUNK = 1 << 20
_FROM_ENGINES = frozenset({Transport.DAEMON, Transport.BARE, Transport.DOCKER_ARCHIVE})


@dataclass(frozen=True)
class KeptLayer:
    """A layer whose blob lies in a store, with the hash states at the ends of blob and tar."""

    descriptor: Descriptor
    compression: Compression
    blob_state: hashlib._Hash
    tar_state: hashlib._Hash


@dataclass(frozen=True)
class Saltable:
    """An image that copies can be made of. `layers` are those of `image`, in order; `bytes` are of its blobs."""

    image: Image
    layers: tuple[KeptLayer, ...]
    store: BlobStore

    @property
    def bytes(self) -> int:
        """What a pull fetches of layers: each blob once."""
        return sum({kept.descriptor.digest: kept.descriptor.size for kept in self.layers}.values())


def saltable(
    image: Image,
    store: BlobStore,
    encoding: Encoding = AS_PUSHED,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Saltable:
    """Keep all layers of `image` in `store`, verified. Blobs stay as they are; `encoding` is for the plain tars that an
    engine gives out.

    Raises InvalidImage, LimitExceeded, Unsupported for layers that may not be distributed, and what reading raises.
    """
    kept: dict[Digest, KeptLayer] = {}
    sizes = [layer.descriptor.size for layer in image.layers]
    with progress.task("reading layers", None if UNKNOWN_SIZE in sizes else sum(sizes)) as task:
        for layer in image.layers:
            if is_foreign(layer.descriptor.media_type):
                raise Unsupported(f"{image.reference} has a layer that may not be pushed, so its pull is not measured")
            if layer.descriptor.digest not in kept:
                pack = layer.compression is Compression.NONE and image.reference.transport in _FROM_ENGINES
                keep = _keep_packed if pack else _keep_stored
                kept[layer.descriptor.digest] = keep(layer, store, encoding, limits, task.advance)
    return Saltable(image, tuple(kept[layer.descriptor.digest] for layer in image.layers), store)


def salts() -> Iterator[int]:
    """Numbers of blocks, each other than those before, from a random one on."""
    first = secrets.randbelow(MOST_BLOCKS)
    while True:
        for number in range(MOST_BLOCKS):
            yield 1 + (first + number) % MOST_BLOCKS


def salted(whole: Saltable, blocks: int) -> Image:
    """A copy of the image whose layers end in `blocks` more blocks of zeros."""
    # Docker's manifests know no zstd.
    zstd = any(kept.compression is Compression.ZSTD for kept in whole.layers)
    docker = whole.image.manifest.media_type == DOCKER_MANIFEST and not zstd
    sources: dict[Digest, tuple[Descriptor, bytes]] = {}
    descriptors, diff_ids = [], []
    for kept in whole.layers:
        zeros = bytes(BLOCK * blocks)
        tail = _packed(zeros, kept.compression)
        blob, tar = kept.blob_state.copy(), kept.tar_state.copy()
        blob.update(tail)
        tar.update(zeros)
        # Annotations tell where in the blob things are (eStargz, zstd:chunked), which was true without the salt.
        new = Descriptor(
            layer_type(kept.compression, docker=docker),
            Digest(f"{blob.name}:{blob.hexdigest()}"),
            kept.descriptor.size + len(tail),
        )
        sources[new.digest] = kept.descriptor, tail
        descriptors.append(new)
        diff_ids.append(f"{tar.name}:{tar.hexdigest()}")
    old = whole.image.config.document
    rootfs = {**documents.mapping(old, "rootfs", "the image config"), "diff_ids": diff_ids}
    raw = documents.dump_canonical({**old, "rootfs": rootfs})
    config = Descriptor(DOCKER_CONFIG if docker else OCI_CONFIG, sha256(raw), len(raw))
    manifest = build_manifest(config=config, layers=descriptors, docker=docker)
    return assemble(whole.image.reference, manifest, parse_config(raw), _SaltedBlobs(whole.store, sources))


def _packed(zeros: bytes, compression: Compression) -> bytes:
    if compression is Compression.GZIP:
        return gzip.compress(zeros, mtime=0)
    if compression is Compression.ZSTD:
        import zstandard

        return zstandard.ZstdCompressor().compress(zeros)
    return zeros


def _keep_stored(
    layer: Layer, store: BlobStore, encoding: Encoding, limits: Limits, advance: Callable[[int], None]
) -> KeptLayer:
    """The blob as it is."""
    del encoding
    tar = hashlib.new(algorithm_of(layer.diff_id))
    what = f"layer {short(layer.descriptor.digest)}"
    with verified(layer.open(), layer.descriptor) as blob, store.writer() as sink:
        source = _Copying(blob, sink, advance)
        for piece in Decoded(source, layer.compression, what, limits):
            tar.update(piece)
        # A decoder may end before the blob does.
        while source.read(_CHUNK):
            pass
        if f"{tar.name}:{tar.hexdigest()}" != layer.diff_id:
            raise InvalidImage(f"{what} holds a tar of digest {tar.hexdigest()}, the config says {layer.diff_id}")
        return KeptLayer(sink.commit(layer.descriptor.media_type), layer.compression, source.state, tar)


def _keep_packed(
    layer: Layer, store: BlobStore, encoding: Encoding, limits: Limits, advance: Callable[[int], None]
) -> KeptLayer:
    """A plain tar, compressed."""
    tar, blob = hashlib.new(algorithm_of(layer.diff_id)), hashlib.sha256()
    packing = compressor(encoding)
    with verified_tar(layer, limits, advance) as source, store.writer() as sink:

        def put(piece: bytes) -> None:
            blob.update(piece)
            sink.write(piece)

        while piece := source.read(_CHUNK):
            tar.update(piece)
            put(packing.compress(piece))
        put(packing.finish())
        stored = sink.commit(layer_type(encoding.compression, docker=False))
    return KeptLayer(stored, encoding.compression, blob, tar)


class _Copying:
    """What is read goes into a store as well, and through a hash."""

    def __init__(self, source: Stream, sink: BlobWriter, advance: Callable[[int], None]) -> None:
        self._source, self._sink, self._advance = source, sink, advance
        self.state = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        piece = self._source.read(size)
        self.state.update(piece)
        self._sink.write(piece)
        self._advance(len(piece))
        return piece


@dataclass(frozen=True)
class _SaltedBlobs:
    """Blobs of a store with tails; `sources` by the digest with the tail."""

    store: BlobStore
    sources: dict[Digest, tuple[Descriptor, bytes]]

    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> Stream:
        stored, tail = self.sources[descriptor.digest]
        past = max(0, offset - stored.size)
        return _Tailed(self.store.open_blob(stored, min(offset, stored.size)), tail[past:])


class _Tailed:
    def __init__(self, stream: Stream, tail: bytes) -> None:
        self._stream, self._tail = stream, tail

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            rest, self._tail = self._tail, b""
            return self._stream.read() + rest
        piece = self._stream.read(size)
        if not piece:
            piece, self._tail = self._tail[:size], self._tail[size:]
        return piece

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
