"""Images whose layers are stored so that clients may fetch parts of them: each encoded anew, or left, with why."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from slimml.oci import documents
from slimml.oci.codec import Encoding, compressor
from slimml.oci.config import parse_config
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest, sha256
from slimml.oci.formats import as_oci
from slimml.oci.image import Image, Layer
from slimml.oci.lazy.estargz import write_estargz
from slimml.oci.lazy.formats import LazyFormat, format_of, without_claims
from slimml.oci.lazy.header import NotExpressible
from slimml.oci.lazy.spool import spooled
from slimml.oci.lazy.written import WrittenLayer
from slimml.oci.lazy.zstd_chunked import write_zstd_chunked
from slimml.oci.limits import DEFAULT_LIMITS, MIB, Limits
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import OCI_CONFIG, Compression, layer_type
from slimml.oci.verified_layer import may_be_missing, verified_tar
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.oci.blobs import BlobStore

USUAL_LEVELS = {LazyFormat.ESTARGZ: 6, LazyFormat.ZSTD_CHUNKED: 9}
"""Levels of compression where none was asked for. Files apart compress worse; a higher level makes up for some of it,
and a client decompresses no slower."""

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Wish:
    """What is asked for. `level` is that of the format's compression, None for the usual one.

    `order` are paths in the order of their first use, by the layer's position from the bottom; `leave` counts layers
    at the bottom that stay as they are.
    """

    format: LazyFormat
    level: int | None = None
    threads: int = 0
    order: Mapping[int, Sequence[str]] = field(default_factory=dict)
    leave: int = 0

    @property
    def encoding(self) -> Encoding:
        """How frames are compressed."""
        level = USUAL_LEVELS[self.format] if self.level is None else self.level
        return Encoding(self.format.compression, level, self.threads)


@dataclass(frozen=True)
class Encoded:
    """A layer as it will be stored. `tar_bytes` is None for one that was left; `why` says why it is an ordinary one."""

    layer: Layer
    tar_bytes: int | None
    why: str = ""


@dataclass(frozen=True)
class Lazily:
    """The image, and in words which of its layers are ordinary ones and why."""

    image: Image
    remarks: tuple[str, ...]


def lazy_image(
    image: Image,
    wish: Wish,
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Lazily:
    """`image` as an OCI image whose layers are stored as wished; new blobs lie in `store`.

    Nothing of its meaning changes: its configuration gets the diff IDs of layers whose tar changed (eStargz), its
    manifest the new descriptors. Raises InvalidImage, LimitExceeded, and what opening layers and writing raise.
    """
    sizes = [layer.descriptor.size for layer in image.layers]
    encoded: list[Encoded] = []
    with progress.task("encoding layers", None if UNKNOWN_SIZE in sizes else sum(sizes)) as task:
        done: dict[tuple[Digest, Digest], Encoded] = {}
        for position, layer in enumerate(image.layers):
            key = layer.descriptor.digest, layer.diff_id
            if key not in done:
                done[key] = lazy_layer(layer, position, wish, store, limits=limits, advance=task.advance)
            encoded.append(replace(done[key], layer=replace(done[key].layer, history=layer.history)))
    return Lazily(_rebuilt(image, [one.layer for one in encoded], store), remarks(encoded))


def remarks(encoded: Sequence[Encoded]) -> tuple[str, ...]:
    """A line for each layer that could not be stored as wished."""
    return tuple(
        f"layer {position} is stored as an ordinary {one.layer.compression.value} layer: {one.why}"
        for position, one in enumerate(encoded)
        if one.why
    )


def lazy_layer(
    layer: Layer,
    position: int,
    wish: Wish,
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    advance: Advance = lambda amount: None,
) -> Encoded:
    """`layer`, the one at `position`, stored as wished; raises what `lazy_image` raises.

    It is left where that is wished, where it has the format already and no order is asked for, and where it may not be
    distributed. A plain tar behind an engine's API cannot be left, since its size is not known: it is compressed.
    """
    order = wish.order.get(position, ())
    left = position < wish.leave or (format_of(layer.descriptor) is wish.format and not order)
    if left and layer.descriptor.size == UNKNOWN_SIZE:
        return _ordinary(layer, wish, store, limits, "")
    if left or may_be_missing(layer):
        advance(max(0, layer.descriptor.size))
        return Encoded(layer, None)
    try:
        with spooled(layer, store, limits, advance) as spool:
            if wish.format is LazyFormat.ESTARGZ:
                written = write_estargz(spool, store, wish.encoding, order)
            else:
                written = write_zstd_chunked(spool, layer.diff_id, store, wish.encoding)
    except NotExpressible as reason:
        return _ordinary(layer, wish, store, limits, str(reason))
    return _as_layer(written, layer, store)


def _as_layer(written: WrittenLayer, layer: Layer, store: BlobStore, why: str = "") -> Encoded:
    said = written.descriptor
    annotations = {**without_claims(layer.descriptor.annotations), **said.annotations}
    descriptor = Descriptor(said.media_type, said.digest, said.size, annotations)
    return Encoded(Layer(descriptor, written.diff_id, layer.history, store), written.tar_bytes, why)


def _ordinary(layer: Layer, wish: Wish, store: BlobStore, limits: Limits, why: str) -> Encoded:
    """The layer as every client reads it: as it was where that is so, else compressed as the others are."""
    compression = wish.format.compression
    if layer.compression in (compression, Compression.GZIP):
        kept = replace(layer.descriptor, annotations=without_claims(layer.descriptor.annotations))
        return Encoded(replace(layer, descriptor=kept), None, why)
    packing = compressor(wish.encoding)
    size = 0
    with verified_tar(layer, limits, lambda amount: None) as tar, store.writer() as blob:
        while piece := tar.read(MIB):
            size += len(piece)
            blob.write(packing.compress(piece))
        blob.write(packing.finish())
        found = blob.commit(layer_type(compression, docker=False))
    return _as_layer(WrittenLayer(found, layer.diff_id, size), layer, store, why)


def _rebuilt(image: Image, layers: Sequence[Layer], store: BlobStore) -> Image:
    """An OCI image with these layers; the config keeps every byte where no diff ID changed."""
    diff_ids = tuple(layer.diff_id for layer in layers)
    config, said = image.config, replace(image.manifest.config, media_type=OCI_CONFIG)
    if diff_ids != image.config.diff_ids:
        document: dict[str, Any] = copy.deepcopy(dict(image.config.document))
        document["rootfs"] = {"type": "layers", "diff_ids": list(diff_ids)}
        raw = documents.dump_canonical(document)
        config, said = parse_config(raw), Descriptor(OCI_CONFIG, sha256(raw), len(raw))
        store.put_bytes(said, raw)
    old = image.manifest
    manifest = build_manifest(
        config=said,
        layers=[layer.descriptor for layer in layers],
        annotations=old.annotations,
        artifact_type=old.artifact_type,
        subject=old.subject,
    )
    built = Image(image.reference, manifest, config, tuple(layers))
    return as_oci(built, {layer.descriptor.digest: layer.descriptor.size for layer in layers})
