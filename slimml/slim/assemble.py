"""The configuration and manifest of a slimmed image: the same meaning, the new layers, and a word on what was done."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from slimml.oci import documents, media_types
from slimml.oci.config import parse_config
from slimml.oci.descriptor import UNKNOWN_SIZE, Descriptor
from slimml.oci.digest import Digest, sha256
from slimml.oci.image import Blobs, Image, Layer
from slimml.oci.lazy.formats import format_of
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import Compression, compression_of, layer_type

if TYPE_CHECKING:
    from slimml.oci.blobs import BlobStore

LABEL = "org.slimml."

_BASE = "org.opencontainers.image.base."
"""annotations about layers that the image shares with another, which is no longer sure"""

_ZERO = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class NewLayer:
    """A layer of the result. `source` is the position of the layer that it was, None for what came of several.

    `told` is what the history says of the latter, "" for what it says of the whole.
    """

    descriptor: Descriptor
    diff_id: Digest
    blobs: Blobs
    source: int | None
    told: str = ""


def build_image(
    image: Image,
    layers: Sequence[NewLayer],
    store: BlobStore,
    *,
    step: str,
    labels: Mapping[str, str],
    epoch: int | None = None,
) -> Image:
    """`image` with these layers. Its config is stored in `store`; unknown members of it are kept.

    `step` is told in the history; `labels` get the prefix LABEL and become annotations as well where the manifest has
    them. `epoch` (seconds) bounds the time of creation from above.
    """
    docker = image.manifest.media_type == media_types.DOCKER_MANIFEST and not any(
        compression_of(layer.descriptor.media_type) is Compression.ZSTD or format_of(layer.descriptor)
        for layer in layers
    )
    named = {f"{LABEL}{key}": value for key, value in labels.items()}
    raw = documents.dump_canonical(_config(image, layers, step, named, epoch))
    kind = media_types.DOCKER_CONFIG if docker else media_types.OCI_CONFIG
    config = Descriptor(kind, sha256(raw), len(raw))
    store.put_bytes(config, raw)
    descriptors = [_descriptor(layer.descriptor, docker) for layer in layers]
    annotations = {key: value for key, value in image.manifest.annotations.items() if not key.startswith(_BASE)}
    annotations |= named
    manifest = build_manifest(config=config, layers=descriptors, annotations=annotations, docker=docker)
    parsed = parse_config(raw)
    places = {layer.descriptor.digest: layer.blobs for layer in layers}
    joined = zip(manifest.layers, parsed.diff_ids, parsed.layer_history, strict=True)
    return Image(
        reference=image.reference,
        manifest=manifest,
        config=parsed,
        layers=tuple(Layer(found, diff_id, entry, places[found.digest]) for found, diff_id, entry in joined),
    )


def labelled(image: Image, store: BlobStore, labels: Mapping[str, str]) -> Image:
    """`image` with more labels, annotated with them as well; nothing else of it changes. Its config is in `store`."""
    named = {f"{LABEL}{key}": value for key, value in labels.items()}
    document: dict[str, Any] = copy.deepcopy(dict(image.config.document))
    runtime = dict(document.get("config") or {})
    runtime["Labels"] = {**(runtime.get("Labels") or {}), **named}
    document["config"] = runtime
    raw = documents.dump_canonical(document)
    config = Descriptor(image.manifest.config.media_type, sha256(raw), len(raw))
    store.put_bytes(config, raw)
    manifest = build_manifest(
        config=config,
        layers=image.manifest.layers,
        annotations={**image.manifest.annotations, **named},
        docker=image.manifest.media_type == media_types.DOCKER_MANIFEST,
    )
    return replace(image, manifest=manifest, config=parse_config(raw))


def stored_size(layer: Layer, tar_bytes: int) -> Descriptor:
    """The layer's descriptor with a size, which that of a plain tar behind an engine's API lacks."""
    found = layer.descriptor
    if found.size != UNKNOWN_SIZE:
        return found
    return Descriptor(found.media_type, found.digest, tar_bytes, found.annotations)


def _descriptor(found: Descriptor, docker: bool) -> Descriptor:
    """The descriptor with the layer type of its manifest's kind; annotations (a chunk index) hold for the same blob."""
    if media_types.is_foreign(found.media_type):
        return found
    return Descriptor(
        layer_type(compression_of(found.media_type), docker=docker),
        found.digest,
        found.size,
        {} if docker else found.annotations,
    )


def _config(
    image: Image, layers: Sequence[NewLayer], step: str, labels: Mapping[str, str], epoch: int | None
) -> dict[str, Any]:
    config: dict[str, Any] = copy.deepcopy(dict(image.config.document))
    created = _not_after(config.get("created"), epoch)
    if created is not None:
        config["created"] = created
    config["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
    runtime = dict(config.get("config") or {})
    runtime["Labels"] = {**(runtime.get("Labels") or {}), **labels}
    config["config"] = runtime
    config["history"] = _history(image, layers, step, created or _ZERO)
    return config


def _history(image: Image, layers: Sequence[NewLayer], step: str, created: str) -> list[dict[str, Any]]:
    entries = [dict(entry) for entry in image.config.document.get("history") or ()]
    made = [entry for entry in entries if entry.get("empty_layer") is not True]
    left = {layer.source for layer in layers}
    unnamed = len(image.layers) - len(made)
    if unnamed >= 0:  # else history and layers never matched; it is left as it was
        for position, entry in enumerate(made):
            if position + unnamed not in left:
                entry["empty_layer"] = True
    told: dict[str, Any] = {"created": created, "created_by": step, "comment": "slimml"}
    made_of_several = [{**told, "created_by": it.told or step} for it in layers if it.source is None]
    return [*entries, *(made_of_several or [{**told, "empty_layer": True}])]


def _not_after(created: object, epoch: int | None) -> str | None:
    """The time of creation as it stands, or `epoch` where that is earlier."""
    text = created if isinstance(created, str) else None
    if epoch is None:
        return text
    bound = datetime.fromtimestamp(epoch, UTC)
    try:
        stood = datetime.fromisoformat(text) if text else None
    except ValueError:
        stood = None
    if stood is not None and stood.tzinfo is not None and stood <= bound:
        return text
    return bound.strftime("%Y-%m-%dT%H:%M:%SZ")
