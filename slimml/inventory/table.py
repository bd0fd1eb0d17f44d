"""The file table: one row per tar entry of every layer, in columns (Arrow); every other question is asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.owner import Owner
    from slimml.oci.image import Image

LAYER_SCHEMA = pa.schema(
    [
        pa.field("path", pa.binary(), nullable=False),  # relative to the root, no slash at either end; the tar's bytes
        pa.field("kind", pa.uint8(), nullable=False),  # oci.tar.events.Kind
        pa.field("size", pa.int64(), nullable=False),  # content, bytes, 0 for everything but files
        pa.field("mode", pa.uint32(), nullable=False),
        pa.field("uid", pa.int64(), nullable=False),
        pa.field("gid", pa.int64(), nullable=False),
        pa.field("mtime", pa.int64(), nullable=False),  # whole seconds
        pa.field("link", pa.binary()),  # target of a symlink (as is) or hard link (path), else null
        pa.field("content", pa.binary(16)),  # xxh3-128 of the content; null where not a file or not read
        pa.field("crc64", pa.uint64()),  # the engine's checksum where the content was not read, else null
        pa.field("form", pa.dictionary(pa.uint8(), pa.string()), nullable=False),  # inventory.form, "" if not a file
        pa.field("debug", pa.int64(), nullable=False),  # ELF: bytes that no loader maps (symbols, debug information)
        pa.field("gpu", pa.int64(), nullable=False),  # ELF: bytes of code for GPUs
        pa.field("offset", pa.int64(), nullable=False),  # of the entry's first header in the layer's tar
        pa.field("tar_bytes", pa.int64(), nullable=False),  # headers, content and padding in the tar
        pa.field("compressed", pa.int64(), nullable=False),  # its part of the blob; sums, with the trailer, to the blob
    ]
)
"""Columns of one layer. The row number is the entry's ordinal in the tar."""


class State(IntEnum):
    """What became of an entry in the merged root."""

    LIVE = 0
    """visible in a container"""
    OVERWRITTEN = 1
    """a later entry has its path"""
    DELETED = 2
    """a later whiteout, opaque directory or non-directory hides it"""
    MARKER = 3
    """it is a whiteout or an opaque marker itself"""


@dataclass(frozen=True)
class LayerInventory:
    """One layer's rows and what else reading it told. It depends on the layer alone, so it is cached by digest.

    `captured` holds the contents of files that tell about others (package databases), by path.
    `estimated` says that `compressed` was estimated from samples, not read from the blob.
    """

    table: pa.Table
    tar_bytes: int
    blob_bytes: int
    trailer_compressed: int
    captured: Mapping[str, bytes]
    estimated: bool = False

    @property
    def trailer_bytes(self) -> int:
        """Bytes of the tar after its last entry."""
        return self.tar_bytes - int(self.column("tar_bytes").sum())

    def column(self, name: str) -> NDArray[Any]:
        """A numeric column as an array (no copy where possible)."""
        values: NDArray[Any] = self.table[name].to_numpy()
        return values


@dataclass(frozen=True)
class Inventory:
    """All rows of an image. Rows of layer i are `starts[i]:starts[i + 1]`, in the tar's order.

    `state` (State) and `by` (the layer that hid the row, -1 for none) come from the merge; `owner` are positions in
    `owners`. Arrays have one element per row of `table`.
    """

    image: Image
    layers: tuple[LayerInventory, ...]
    table: pa.Table
    starts: NDArray[np.int64]
    state: NDArray[np.uint8]
    by: NDArray[np.int16]
    owner: NDArray[np.int32]
    owners: tuple[Owner, ...]

    def column(self, name: str) -> NDArray[Any]:
        """A numeric column of the table as an array."""
        values: NDArray[Any] = self.table[name].to_numpy()
        return values

    @cached_property
    def layer(self) -> NDArray[np.int16]:
        """The layer of each row, from 0 at the bottom."""
        return np.repeat(np.arange(len(self.layers), dtype=np.int16), np.diff(self.starts))

    @cached_property
    def paths(self) -> list[str]:
        """The path of each row; bytes that are not UTF-8 are surrogate escapes."""
        return decode_paths(self.table["path"])

    @cached_property
    def path_numbers(self) -> NDArray[np.int64]:
        """A number for each row's path, the same for the same path, from 0."""
        numbers: dict[str, int] = {}
        number = numbers.setdefault
        return np.fromiter((number(path, len(numbers)) for path in self.paths), np.int64, len(self.paths))

    @cached_property
    def links(self) -> list[str]:
        """What each row's link names, "" where it is none; bytes that are not UTF-8 are surrogate escapes."""
        column = self.table["link"].to_pylist()
        return [target.decode("utf-8", "surrogateescape") if target else "" for target in column]

    @cached_property
    def contents(self) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """The hash of each row's content as two words (one row of the first array), and whether it is known."""
        return digest_words(self.table["content"])

    @cached_property
    def checksums(self) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """The engine's checksum of each row, and whether there is one."""
        return known_numbers(self.table["crc64"])

    @cached_property
    def live(self) -> dict[str, int]:
        """The merged root: path to row."""
        paths = self.paths
        return {paths[row]: row for row in np.flatnonzero(self.state == State.LIVE).tolist()}

    @property
    def disk_bytes(self) -> int:
        """Content of all rows, as engines count an image's size."""
        return int(self.column("size").sum())

    @property
    def compressed_bytes(self) -> int:
        """Bytes of all layer blobs."""
        return sum(layer.blob_bytes for layer in self.layers)

    def captured(self, path: str) -> bytes | None:
        """The content of a live path that was captured while reading, else None."""
        row = self.live.get(path)
        return None if row is None else self.layers[int(self.layer[row])].captured.get(path)


# Arrow computes on columns, too, but its functions take 60 ms to import, which is more than these three need.


def digest_words(column: pa.ChunkedArray) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """A column of 16-byte hashes as an array of two words a row, and which of them are not null."""
    words = np.zeros((len(column), 2), np.uint64)
    known = np.ones(len(column), bool)
    start = 0
    for chunk in column.chunks:
        stop = start + len(chunk)
        validity, values = chunk.buffers()
        if values is not None:
            words[start:stop] = np.frombuffer(values, np.uint64, 2 * len(chunk), 16 * chunk.offset).reshape(-1, 2)
        if validity is not None:
            known[start:stop] = _bits(validity, chunk.offset, len(chunk))
        start = stop
    return words, known


def known_numbers(column: pa.ChunkedArray) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """A column of nullable uint64, and which of them are not null."""
    numbers = np.zeros(len(column), np.uint64)
    known = np.ones(len(column), bool)
    start = 0
    for chunk in column.chunks:
        stop = start + len(chunk)
        validity, values = chunk.buffers()
        if values is not None:
            numbers[start:stop] = np.frombuffer(values, np.uint64, len(chunk), 8 * chunk.offset)
        if validity is not None:
            known[start:stop] = _bits(validity, chunk.offset, len(chunk))
        start = stop
    return numbers, known


def _bits(validity: pa.Buffer, offset: int, count: int) -> NDArray[np.bool_]:
    bits = np.unpackbits(np.frombuffer(validity, np.uint8), count=offset + count, bitorder="little")
    return bits[offset:].astype(bool)


def decode_paths(column: pa.ChunkedArray) -> list[str]:
    """A binary column as text, bytes that are not UTF-8 as surrogate escapes."""
    try:
        # A view, not a cast, which would import pyarrow.compute: 60 ms that many a process has no other use for.
        return [value for chunk in column.chunks for value in chunk.view(pa.string()).to_pylist()]
    except UnicodeDecodeError:
        return [value.decode("utf-8", "surrogateescape") for value in column.to_pylist()]
