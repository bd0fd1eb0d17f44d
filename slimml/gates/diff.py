"""Holds two images together: what grew or shrank, by layer, by owner, by path, and what is set otherwise."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.build_step import build_steps
from slimml.gates.diff_paths import compare_paths
from slimml.gates.diff_settings import compare_settings
from slimml.gates.difference import (
    ARCHIVES,
    HIDDEN,
    NOTHING,
    Difference,
    Extent,
    ImageSide,
    LayerChange,
    LayerFate,
    OwnerChange,
    disk_growth,
    together,
)
from slimml.inventory.table import State
from slimml.oci.tar.events import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory

_NO_FILE = (Kind.DIRECTORY, Kind.WHITEOUT, Kind.OPAQUE)


def diff_images(before: Inventory, after: Inventory, top: int | None = None) -> Difference:
    """What it takes to go from `before` to `after`; `top` bounds the paths that are listed."""
    paths = compare_paths(before, after, top)
    one, other = image_side(before), image_side(after)
    return Difference(
        before=one,
        after=other,
        layers=_layers(before, after),
        owners=_owners(before, after),
        parts=paths.parts,
        paths=paths.listed,
        left_out=paths.left_out,
        rest=paths.rest,
        configuration=compare_settings(before.image.config, after.image.config),
        unknowns=tuple(_unknowns(one, other, paths.unknown)),
    )


def image_side(inventory: Inventory) -> ImageSide:
    """An image's totals."""
    image = inventory.image
    return ImageSide(
        reference=str(image.reference),
        digest=image.manifest.digest,
        platform=str(image.config.platform),
        layers=len(inventory.layers),
        total=together(layer_extents(inventory)),
        estimated=any(layer.estimated for layer in inventory.layers),
    )


def layer_extents(inventory: Inventory) -> list[Extent]:
    """What each layer holds, its archive's end included."""
    found = extents_by(inventory, inventory.layer, len(inventory.layers))
    return [
        Extent(extent.files, extent.disk_bytes, layer.blob_bytes)
        for extent, layer in zip(found, inventory.layers, strict=True)
    ]


def extents_by(inventory: Inventory, group: NDArray[np.integer], groups: int) -> list[Extent]:
    """What the rows of each group hold; exact in 64 bits. `group` has one element a row."""
    columns = ~np.isin(inventory.column("kind"), _NO_FILE), inventory.column("size"), inventory.column("compressed")
    sums = np.zeros((3, groups), np.int64)
    for total, values in zip(sums, columns, strict=True):
        np.add.at(total, group, values.astype(np.int64))
    return [Extent(*row) for row in sums.T.tolist()]


def _layers(before: Inventory, after: Inventory) -> tuple[LayerChange, ...]:
    """In the order of `after`, what was removed where it lay."""
    extents = layer_extents(before), layer_extents(after)
    commands = build_steps(before), build_steps(after)
    same = _pairs([layer.diff_id for layer in before.image.layers], [layer.diff_id for layer in after.image.layers])
    found = []
    for fate, old, new in _aligned(commands[0], commands[1], same):
        command = commands[1][new] if new is not None else commands[0][old] if old is not None else ""
        was = NOTHING if old is None else extents[0][old]
        found.append(LayerChange(fate, old, new, command, was, NOTHING if new is None else extents[1][new]))
    return tuple(found)


def _pairs(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return [(block.a + offset, block.b + offset) for block in blocks for offset in range(block.size)]


def _aligned(
    before: Sequence[str], after: Sequence[str], same: list[tuple[int, int]]
) -> Iterator[tuple[LayerFate, int | None, int | None]]:
    """Between layers that are the same, those whose command is; all else went or came."""
    old_start = new_start = 0
    for old, new in [*same, (len(before), len(after))]:
        # Steps that are not recorded, as those of an imported base, are taken for the same where they lie alike.
        pairs = _pairs(before[old_start:old], after[new_start:new])
        yield from _gap(pairs, (old_start, old), (new_start, new))
        if old < len(before):
            yield LayerFate.SAME, old, new
        old_start, new_start = old + 1, new + 1


def _gap(
    pairs: list[tuple[int, int]], old: tuple[int, int], new: tuple[int, int]
) -> Iterator[tuple[LayerFate, int | None, int | None]]:
    at, to = old[0], new[0]
    for one, other in [*((old[0] + a, new[0] + b) for a, b in pairs), (old[1], new[1])]:
        yield from ((LayerFate.REMOVED, index, None) for index in range(at, one))
        yield from ((LayerFate.ADDED, None, index) for index in range(to, other))
        if one < old[1]:
            yield LayerFate.REBUILT, one, other
        at, to = one + 1, other + 1


def _owners(before: Inventory, after: Inventory) -> tuple[OwnerChange, ...]:
    old, new = _by_owner(before), _by_owner(after)
    found = []
    for key in dict.fromkeys([*old, *new]):
        was, became = old.get(key, ((), NOTHING)), new.get(key, ((), NOTHING))
        if (was[1], became[1]) != (NOTHING, NOTHING):
            found.append(OwnerChange(*key, was[0], became[0], was[1], became[1]))
    return tuple(sorted(found, key=lambda one: (-abs(disk_growth(one)), one.system, one.name)))


def _by_owner(inventory: Inventory) -> dict[tuple[str, str], tuple[tuple[str, ...], Extent]]:
    """By system and name: the versions, and what is live of them; then what is hidden, and the archives' ends."""
    keys: dict[tuple[str, str], int] = {}
    versions: list[set[str]] = []
    group_of = np.zeros(len(inventory.owners), np.int64)
    for position, owner in enumerate(inventory.owners):
        group = keys.setdefault((owner.system.value, owner.name), len(keys))
        if group == len(versions):
            versions.append(set())
        versions[group] |= {owner.version} - {""}
        group_of[position] = group
    groups = np.where(inventory.state == State.LIVE, group_of[inventory.owner], len(keys))
    extents = extents_by(inventory, groups, len(keys) + 1)
    found = {key: (tuple(sorted(versions[group])), extents[group]) for key, group in keys.items()}
    ends = Extent(compressed_bytes=sum(layer.trailer_compressed for layer in inventory.layers))
    return {**found, (HIDDEN, HIDDEN): ((), extents[-1]), (ARCHIVES, ARCHIVES): ((), ends)}


def _unknowns(before: ImageSide, after: ImageSide, uncompared: int) -> Iterator[str]:
    if uncompared:
        yield (
            f"{uncompared} files of the same size were not compared: of one image the contents were read, of the other "
            "its engine's checksums; --no-store reads contents of both."
        )
    sides = [side.reference for side in (before, after) if side.estimated]
    if sides:
        yield f"Compressed bytes are estimated: no compressed layer was read of {' and '.join(sides)}."
    yield "Times of change and extended attributes are not compared."
