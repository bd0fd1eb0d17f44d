"""The difference of two images as values: each byte of either is in one row of every list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Extent:
    """Some of an image: entries that are no directories, bytes of content, bytes of the blobs."""

    files: int = 0
    disk_bytes: int = 0
    compressed_bytes: int = 0


NOTHING = Extent()


@dataclass(frozen=True)
class ImageSide:
    """One of the two images. `total` is everything in it: `disk_bytes` as engines count, `compressed_bytes` as
    registries do; `estimated` says that the latter was not read but estimated."""

    reference: str
    digest: str
    platform: str
    layers: int
    total: Extent
    estimated: bool


class LayerFate(StrEnum):
    """What became of a layer."""

    SAME = "same"
    """the same tar; its blob may be compressed otherwise"""
    REBUILT = "rebuilt"
    """the same build step made another tar"""
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class LayerChange:
    """One layer, by its positions from 0 at the bottom, None where an image has it not."""

    fate: LayerFate
    before_index: int | None
    after_index: int | None
    command: str
    before: Extent
    after: Extent


@dataclass(frozen=True)
class OwnerChange:
    """All live files of an owner, or what no owner has: systems HIDDEN and ARCHIVES. Versions are sorted."""

    system: str
    name: str
    before_versions: tuple[str, ...]
    after_versions: tuple[str, ...]
    before: Extent
    after: Extent


HIDDEN = "hidden"
"""entries that upper layers replaced or deleted, and the markers that say so"""
ARCHIVES = "archives"
"""the ends of the layers' archives; they have compressed bytes only"""


class PathFate(StrEnum):
    """What became of a path that a container sees."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    UNKNOWN = "unknown"
    """of the same size, but the content was not read of one image"""
    SAME = "same"


class What(StrEnum):
    """What changed of a path."""

    KIND = "kind"
    CONTENT = "content"
    LINK = "link"
    MODE = "mode"
    OWNER = "owner"


@dataclass(frozen=True)
class PathChange:
    """One path. `owner` is the label of who brought it; bytes are 0 where the path is not."""

    path: str
    fate: PathFate
    what: tuple[What, ...]
    owner: str
    before: Extent
    after: Extent


@dataclass(frozen=True)
class Part:
    """All rows of one fate, or HIDDEN, or ARCHIVES."""

    name: str
    before: Extent
    after: Extent


@dataclass(frozen=True)
class SettingChange:
    """A member of the configuration, None where it is not set. Values of what looks like a secret are not told."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Difference:
    """From image `before` to image `after`.

    The sums over `layers`, over `owners` and over `parts` are the two images' totals, in files, in bytes on disk and in
    compressed bytes. `paths` lists what was added, removed or changed; with the `rest` (those left out, of which
    `left_out` counts) its sums are those of these parts. All lists are ordered by how much a row changed on disk.
    """

    before: ImageSide
    after: ImageSide
    layers: tuple[LayerChange, ...]
    owners: tuple[OwnerChange, ...]
    parts: tuple[Part, ...]
    paths: tuple[PathChange, ...]
    left_out: int
    rest: Part
    configuration: tuple[SettingChange, ...]
    unknowns: tuple[str, ...]


def disk_growth(row: LayerChange | OwnerChange | PathChange | Part) -> int:
    """By how many bytes on disk a row grew; negative where it shrank."""
    return row.after.disk_bytes - row.before.disk_bytes


def compressed_growth(row: LayerChange | OwnerChange | PathChange | Part) -> int:
    """By how many compressed bytes a row grew; negative where it shrank."""
    return row.after.compressed_bytes - row.before.compressed_bytes


def together(extents: Iterable[Extent]) -> Extent:
    """The sum."""
    files = disk = compressed = 0
    for one in extents:
        files, disk, compressed = files + one.files, disk + one.disk_bytes, compressed + one.compressed_bytes
    return Extent(files, disk, compressed)
