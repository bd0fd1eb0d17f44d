"""Tables of contents of strangers, read from a blob: found, bounded, held against their digests, decoded.

eStargz names its table in a footer, zstd:chunked in annotations of the layer; neither is believed before it is checked.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import msgspec

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.codec import Decoded
from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.oci.digest import sha256, short
from slimml.oci.image import Layer
from slimml.oci.lazy.estargz import FOOTER_BYTES, footer
from slimml.oci.lazy.formats import (
    NEW_CHECKSUM,
    NEW_POSITION,
    OLD_CHECKSUM,
    OLD_POSITION,
    TAR_SPLIT_POSITION,
    TOC_DIGEST,
    TOC_NAME,
)
from slimml.oci.lazy.zstd_chunked import SKIPPABLE, TOC_TYPE
from slimml.oci.limits import Limits
from slimml.oci.media_types import Compression
from slimml.oci.tar.header import BLOCK, number, unpack_fields

_LARGEST = 1 << 62
_OFFSET_IN_FOOTER = slice(16, 32)


class TocEntry(msgspec.Struct, rename={"link": "linkName", "device_major": "devMajor", "device_minor": "devMinor"}):
    """An entry as the table has it; what is unknown of it is passed over."""

    type: str
    name: str
    link: str = ""
    mode: int = 0
    size: int = 0
    uid: int = 0
    gid: int = 0
    modtime: str = ""
    device_major: int = 0
    device_minor: int = 0
    xattrs: dict[str, str] | None = None
    digest: str = ""
    offset: int = 0
    end: int = msgspec.field(default=0, name="endOffset")
    chunk_size: int = msgspec.field(default=0, name="chunkSize")
    chunk_at: int = msgspec.field(default=0, name="chunkOffset")
    chunk_digest: str = msgspec.field(default="", name="chunkDigest")


class _Document(msgspec.Struct):
    version: int
    entries: list[TocEntry]
    tar_split: str = msgspec.field(default="", name="tarSplitDigest")


@dataclass(frozen=True)
class Table:
    """A table of contents, which begins at `position` of the blob, behind all files; `tar_split` is a digest or ""."""

    entries: list[TocEntry]
    position: int
    tar_split: str


def estargz_table(layer: Layer, limits: Limits) -> Table:
    """The table that the layer's footer names; raises InvalidImage, LimitExceeded, and what opening the blob raises.

    Its digest is held against the layer's annotation.
    """
    what = f"layer {short(layer.descriptor.digest)}"
    size = _known_size(layer)
    foot = _read(layer, size - FOOTER_BYTES, FOOTER_BYTES) if size >= FOOTER_BYTES else b""
    try:
        position = int(foot[_OFFSET_IN_FOOTER], 16)
    except ValueError:
        raise InvalidImage(f"{what} is said to be eStargz, and has no such footer") from None
    if foot != footer(position) or position > size - FOOTER_BYTES:
        raise InvalidImage(f"{what} is said to be eStargz, and its footer points nowhere")
    stored = _bounded(layer, position, size - FOOTER_BYTES - position, limits, what)
    tar = _expand(stored, Compression.GZIP, limits, what)
    fields = unpack_fields(tar[:BLOCK]) if len(tar) >= BLOCK else None
    try:
        length = number(fields[2]) if fields and fields[0].rstrip(b"\0") == TOC_NAME.encode() else -1
    except ValueError:
        length = -1
    raw = tar[BLOCK : BLOCK + length]
    if length < 0 or len(raw) != length:
        raise InvalidImage(f"{what}: where its footer points to is no {TOC_NAME}")
    _check_digest(raw, layer.descriptor.annotations.get(TOC_DIGEST, ""), f"{what}: its table of contents")
    document = _decoded(raw, what)
    return Table(document.entries, position, "")


def zstd_chunked_tables(layer: Layer, limits: Limits) -> tuple[Table | None, Table | None]:
    """The tables that the layer's annotations name: for current readers, and for those before 2023.

    Raises as `estargz_table` does.
    """
    new = _annotated(layer, NEW_CHECKSUM, NEW_POSITION, limits)
    return new, _annotated(layer, OLD_CHECKSUM, OLD_POSITION, limits)


def tar_split_data(layer: Layer, table: Table, limits: Limits) -> bytes:
    """The tar-split data as it is stored, whose digest the table knows; raises as `estargz_table` does."""
    what = f"layer {short(layer.descriptor.digest)}"
    numbers = _numbers(layer, TAR_SPLIT_POSITION, 3, what)
    stored = _skippable_content(layer, numbers[0], numbers[1], limits, what)
    _check_digest(stored, table.tar_split, f"{what}: its tar-split data")
    return stored


def _annotated(layer: Layer, checksum: str, position: str, limits: Limits) -> Table | None:
    said = layer.descriptor.annotations.get(checksum)
    if said is None:
        return None
    what = f"layer {short(layer.descriptor.digest)}"
    at, stored_bytes, length, kind = _numbers(layer, position, 4, what)
    if kind != TOC_TYPE:
        raise InvalidImage(f"{what} has a table of contents of type {kind}, which nobody knows")
    stored = _skippable_content(layer, at, stored_bytes, limits, what)
    _check_digest(stored, said, f"{what}: its table of contents")
    raw = _expand(stored, Compression.ZSTD, limits, what)
    if len(raw) != length:
        raise InvalidImage(f"{what}: its table of contents has {len(raw)} bytes, the annotation says {length}")
    document = _decoded(raw, what)
    return Table(document.entries, at, document.tar_split)


def _numbers(layer: Layer, annotation: str, count: int, what: str) -> list[int]:
    words = layer.descriptor.annotations.get(annotation, "").split(":")
    found = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 20]
    if len(words) != count or len(found) != count:
        raise InvalidImage(f"{what}: the annotation {annotation} is not {count} numbers with colons between them")
    return found


def _skippable_content(layer: Layer, at: int, length: int, limits: Limits, what: str) -> bytes:
    head = len(SKIPPABLE) + 4
    if at < head or at + length > _known_size(layer):
        raise InvalidImage(f"{what}: an annotation points out of the blob")
    if _read(layer, at - head, head) != SKIPPABLE + struct.pack("<I", length & 0xFFFFFFFF):
        raise InvalidImage(f"{what}: an annotation does not point to a frame that decoders pass over")
    return _bounded(layer, at, length, limits, what)


def _known_size(layer: Layer) -> int:
    size = layer.descriptor.size
    if size == UNKNOWN_SIZE:
        raise InvalidImage(
            f"layer {short(layer.descriptor.digest)} does not tell its size, and so nothing of its format"
        )
    return size


def _bounded(layer: Layer, at: int, length: int, limits: Limits, what: str) -> bytes:
    if length > limits.toc_bytes:
        raise LimitExceeded(f"{what} has a table of contents of {length} bytes, compressed", "toc_bytes")
    return _read(layer, at, length)


def _read(layer: Layer, at: int, length: int) -> bytes:
    pieces: list[bytes] = []
    with layer.open(at) as blob:
        while length > 0 and (piece := blob.read(length)):
            pieces.append(piece)
            length -= len(piece)
    if length > 0:
        raise InvalidImage(f"blob {layer.descriptor.digest} ends earlier than its descriptor says")
    return b"".join(pieces)


def _expand(stored: bytes, compression: Compression, limits: Limits, what: str) -> bytes:
    found = bytearray()
    for piece in Decoded(io.BytesIO(stored), compression, f"{what}: its table of contents", limits):
        found += piece
        if len(found) > limits.toc_bytes:
            raise LimitExceeded(f"{what} has a table of contents of over {limits.toc_bytes} bytes", "toc_bytes")
    return bytes(found)


def _check_digest(raw: bytes, said: str, what: str) -> None:
    found = sha256(raw)
    if found != said:
        raise InvalidImage(f"{what} has the digest {found}, and should have {said[:80] or 'one that is told'}")


def _decoded(raw: bytes, what: str) -> _Document:
    try:
        found = msgspec.json.decode(raw, type=_Document)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise InvalidImage(f"{what}: its table of contents cannot be read: {str(error)[:120]}") from None
    if any(not 0 <= number < _LARGEST for entry in found.entries for number in _sizes(entry)):
        raise InvalidImage(f"{what}: its table of contents has a negative or absurd number")
    return found


def _sizes(entry: TocEntry) -> tuple[int, ...]:
    return entry.size, entry.offset, entry.end, entry.chunk_size, entry.chunk_at
