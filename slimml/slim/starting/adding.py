"""Adds bytecode to an image: into the layer of its source, after what is there; every other layer stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from slimml.errors import InvalidImage
from slimml.oci.codec import Encoding
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import layer_type
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.writer import TRAILER, entry_header, padding_after
from slimml.slim.assemble import NewLayer, build_image, stored_size
from slimml.slim.changes import begin_pass
from slimml.slim.layer_sink import LayerSink
from slimml.slim.layers import USUAL_LEVELS
from slimml.slim.names import MARKERS, ancestors
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.rewrite import rewrite_layer

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.oci.image import Image
    from slimml.slim.starting.compiling import Bytecode

LABEL = "bytecode"
"""of the image: how many modules were compiled"""
_READABLE = 0o666
"""Python makes bytecode with the permissions of its source, without those to execute"""


def add_bytecode(
    inventory: Inventory,
    files: Sequence[Bytecode],
    store: BlobStore,
    *,
    threads: int = 0,
    epoch: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    advance: Callable[[int], None] = lambda amount: None,
) -> Image:
    """The image with `files`; its changed layers lie in `store`. The same image and files give the same bytes.

    `epoch` (seconds) bounds the time of creation from above. Raises InvalidImage, and what reading and writing raise.
    """
    by_layer: dict[int, list[Bytecode]] = {}
    markers = _markers(inventory)
    for one in files:
        by_layer.setdefault(_layer_for(inventory, one, markers), []).append(one)
    work = begin_pass(inventory, make_plan(inventory, (), Options(threads=threads)))
    layers: list[NewLayer] = []
    for index, source in enumerate(inventory.image.layers):
        added = by_layer.get(index)
        if not added:
            known = stored_size(source, inventory.layers[index].tar_bytes)
            layers.append(NewLayer(known, source.diff_id, source.blobs, index))
            continue
        encoding = Encoding(source.compression, USUAL_LEVELS[source.compression], threads)
        with LayerSink(store, encoding, layer_type(encoding.compression, docker=False)) as sink:
            rewrite_layer(work, index, sink, None, limits=limits, advance=advance)
            for piece in _entries(inventory, index, added):
                sink.write(piece)
            sink.write(TRAILER)
            written = sink.finish()
        layers.append(NewLayer(written.descriptor, written.diff_id, store, index))
    return build_image(
        inventory.image,
        layers,
        store,
        step="slimml optimize --compile-bytecode",
        labels={LABEL: f"{len(files)} modules"},
        epoch=epoch,
    )


def check_added(before: Inventory, after: Inventory, files: Sequence[Bytecode]) -> None:
    """Raise InvalidImage unless the root of `after` is that of `before` and the files, with the directories above."""
    expected = {one.module.target for one in files}
    above = {place for path in expected for place in ancestors(path)}
    gained, lost = after.live.keys() - before.live.keys(), before.live.keys() - after.live.keys()
    if lost or not expected <= gained or gained - expected - above:
        raise InvalidImage(
            f"{before.image.reference}: adding bytecode went wrong: {len(expected - gained)} files are missing, "
            f"{len(lost)} were lost, {len(gained - expected - above)} are too many; this is a fault in slimml"
        )


def _layer_for(inventory: Inventory, one: Bytecode, markers: Mapping[str, int]) -> int:
    """That of the source, or one above it that takes away what the directory held before."""
    directory = one.module.target.rpartition("/")[0]
    hiding = (markers.get(path, 0) for path in (directory, one.module.target))
    return max(int(inventory.layer[one.module.row]), *hiding)


def _markers(inventory: Inventory) -> dict[str, int]:
    """The highest layer that takes each path away, or what a directory held."""
    rows = np.flatnonzero(np.isin(inventory.column("kind"), MARKERS)).tolist()
    return {inventory.paths[row]: int(inventory.layer[row]) for row in rows}


def _entries(inventory: Inventory, layer: int, files: Sequence[Bytecode]) -> Iterator[bytes]:
    """The new entries: directories that the layer lacks, as the image has them, each before the first file in it."""
    table = inventory.table
    part = slice(int(inventory.starts[layer]), int(inventory.starts[layer + 1]))
    kind = inventory.column("kind")[part]
    listed = inventory.paths[part]
    there = {path for path, one in zip(listed, kind.tolist(), strict=True) if one not in MARKERS}
    taken_away = {path for path, one in zip(listed, kind.tolist(), strict=True) if one == Kind.WHITEOUT}
    for one in files:
        row = one.module.row
        mode, uid, gid, time = (int(table[name][row].as_py()) for name in ("mode", "uid", "gid", "mtime"))
        cache = one.module.target.rpartition("/")[0]
        for place in reversed(ancestors(one.module.target)):
            # A directory that no layer tells of is made by engines, as it was before.
            if place not in there and (place == cache or place in inventory.live):
                there.add(place)
                directory = _directory(inventory, place, one.module.source, time)
                yield entry_header(directory)
                if place in taken_away:
                    # An overlay forgets the whiteout of a path that the layer makes anew.
                    yield entry_header(directory._replace(kind=Kind.OPAQUE, mode=0o644))
        size = len(one.content)
        yield entry_header(Entry(one.module.target, Kind.FILE, size, mode & _READABLE, uid, gid, time, "", 0, 0, size))
        yield one.content + padding_after(size)


def _directory(inventory: Inventory, place: str, source: str, time: int) -> Entry:
    """A directory as the image has it; a new one like that of the source, with the time of the first file in it."""
    table = inventory.table
    row = inventory.live.get(place)
    if row is not None:
        time = int(table["mtime"][row].as_py())
    else:
        row = inventory.live.get(source.rpartition("/")[0])
    mode, uid, gid = 0o755, 0, 0
    if row is not None and table["kind"][row].as_py() == Kind.DIRECTORY:
        mode, uid, gid = (int(table[name][row].as_py()) for name in ("mode", "uid", "gid"))
    return Entry(place, Kind.DIRECTORY, 0, mode, uid, gid, time, "", 0, 0, 0)
