"""Results stored so that clients may fetch parts of them, and in which order what is used first comes.

The order is that of recordings (slimml record), or the one that `optimize` kept with an image (`start_order`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slimml.errors import InvalidImage, Refused, UsageError
from slimml.oci import documents
from slimml.oci.beneath import told
from slimml.oci.image import Layer
from slimml.oci.lazy.encode import Wish, lazy_layer, remarks
from slimml.oci.lazy.formats import LazyFormat
from slimml.oci.limits import DEFAULT_LIMITS, MIB, Limits
from slimml.oci.reference import Transport
from slimml.progress import Progress
from slimml.slim.layers import Laid
from slimml.slim.start_order import SCHEMA, first_uses, start_order
from slimml.usage.recording_file import load_recording

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.oci.image import Image
    from slimml.oci.reference import Reference
    from slimml.slim.changes import Pass
    from slimml.usage.recording import Recording

_KEEP_BLOBS = (Transport.REGISTRY, Transport.LAYOUT, Transport.OCI_ARCHIVE)
_ORDER_BYTES = 256 * MIB


@dataclass(frozen=True)
class Lazy:
    """How the layers of a result are stored. `level` None is the format's usual one; `recordings` tell the order."""

    format: LazyFormat
    level: int | None = None
    recordings: tuple[Recording, ...] = field(default=(), compare=False)


def check_place(destination: Reference) -> None:
    """Raise UsageError for a place that stores layers in its own way, where the format would be lost."""
    if destination.transport not in _KEEP_BLOBS:
        raise UsageError(
            f"{destination}: engines and docker-archive unpack layers, so that --lazy would be lost there; "
            "write to a registry (docker://), an OCI layout (oci:) or archive (oci-archive:)"
        )


def lazy_layers(
    work: Pass,
    layers: Sequence[Laid],
    store: BlobStore,
    places: Mapping[str, int] | None,
    *,
    limits: Limits,
    progress: Progress,
) -> tuple[list[Laid], tuple[str, ...]]:
    """The layers of a result stored as the plan's options say, and remarks on those that cannot be.

    `places` are layers by path where these were laid out anew.
    Raises what `lazy_layer` raises.
    """
    options = work.plan.options
    assert options.lazy is not None
    chosen = options.lazy
    order: dict[int, list[str]] = {}
    if chosen.format is LazyFormat.ESTARGZ:
        started = start_order(work.inventory, work.plan, chosen.recordings, places)
        order = _by_layer((one.layer, one.path) for one in started)
    wish = Wish(chosen.format, chosen.level, options.threads, order)
    encoded = []
    with progress.task("encoding layers", sum(laid.new.descriptor.size for laid in layers)) as task:
        for position, laid in enumerate(layers):
            layer = Layer(laid.new.descriptor, laid.new.diff_id, None, laid.new.blobs)
            encoded.append(lazy_layer(layer, position, wish, store, limits=limits, advance=task.advance))
    found = []
    for laid, one in zip(layers, encoded, strict=True):
        layer = one.layer
        new = replace(laid.new, descriptor=layer.descriptor, diff_id=layer.diff_id, blobs=layer.blobs)
        found.append(Laid(new, laid.tar_bytes if one.tar_bytes is None else one.tar_bytes))
    return found, remarks(encoded)


def order_from(files: Sequence[Path], inventory: Inventory, limits: Limits = DEFAULT_LIMITS) -> dict[int, list[str]]:
    """For each layer the paths of its files in the order of their first use, as recordings or kept orders tell it.

    Raises Refused for what is of another image, and what reading the files raises.
    """
    found: list[tuple[int, str]] = []
    for file in files:
        kept = _kept_order(file, limits)
        if kept is None:
            recording = load_recording(file)
            _check_image(file, recording.diff_ids, inventory.image)
            for row, _ in first_uses(inventory, [recording]):
                found.append((int(inventory.layer[row]), inventory.paths[row]))
        else:
            diff_ids, places = kept
            _check_image(file, diff_ids, inventory.image)
            found += places
    return _by_layer(found)


def _by_layer(places: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    found: dict[int, dict[str, None]] = {}
    for layer, path in places:
        found.setdefault(layer, {})[path] = None
    return {layer: list(paths) for layer, paths in found.items()}


def _check_image(file: Path, diff_ids: Sequence[str], image: Image) -> None:
    if tuple(diff_ids) != tuple(layer.diff_id for layer in image.layers):
        raise Refused(
            f"{file} is of another image than {image.reference}: its layers are not the same; "
            f"record this one: slimml record {image.reference}"
        )


def _kept_order(file: Path, limits: Limits) -> tuple[tuple[str, ...], list[tuple[int, str]]] | None:
    """Diff IDs and places of an order that `optimize` kept; None where the file is something else."""
    try:
        with file.open("rb") as opened:
            head = opened.read(1 << 16)
            if SCHEMA.encode() not in head and b'"files"' not in head:
                return None
            raw = head + opened.read(_ORDER_BYTES)
    except OSError as error:
        raise told(error, str(file)) from None
    what = str(file)
    document = documents.load_object(raw, what, replace(limits, json_bytes=_ORDER_BYTES))
    if document.get("schema") != SCHEMA:
        return None
    places = [_place(item, what) for item in documents.sequence(document, "files", what)]
    return tuple(str(item) for item in documents.sequence(document, "diff_ids", what)), places


def _place(item: Any, what: str) -> tuple[int, str]:
    if not isinstance(item, Mapping):
        raise InvalidImage(f"{what}: an entry of 'files' should be an object, is {type(item).__name__}")
    return documents.integer(item, "layer", what), documents.text(item, "path", what)
