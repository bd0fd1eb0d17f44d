"""Writes zstd:chunked: a frame of zstd for each file or 4 MiB of it, table of contents and tar-split in frames to skip.

Follows containers/storage, docs/containers-storage-zstd-chunked.md and pkg/chunked/internal. The tar stays as it is, so
the diff ID does too. Each generation of readers knows its own annotations, and gets its own table of contents.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slimml.oci.codec import Encoding
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest, sha256
from slimml.oci.lazy.contents import Chunk, directory_entry, file_entries, toc_pieces
from slimml.oci.lazy.formats import (
    NEW_CHECKSUM,
    NEW_POSITION,
    OLD_CHECKSUM,
    OLD_POSITION,
    OLD_READABLE_TOC_BYTES,
    READABLE_TOC_BYTES,
    TAR_SPLIT_POSITION,
)
from slimml.oci.lazy.frames import Frame, FrameBuilder, Made, checksum, chunks_of, make_frames
from slimml.oci.lazy.header import NotExpressible
from slimml.oci.lazy.spool import Spool
from slimml.oci.lazy.tar_split import tar_split_lines
from slimml.oci.lazy.written import WrittenLayer
from slimml.oci.limits import MIB
from slimml.oci.media_types import Compression, layer_type

if TYPE_CHECKING:
    from slimml.oci.blobs import BlobStore, BlobWriter

SKIPPABLE = b"\x50\x2a\x4d\x18"
"""magic number of a frame that decoders pass over (RFC 8878, 3.1.2), as containers/storage writes it"""
FOOTER_MAGIC = b"GNUlInUx"
FOOTER = struct.Struct("<7Q8s")
"""table: position, length stored, length, type; tar-split: position, length stored, length; the magic number"""
TOC_TYPE = 1
_ROOT_MODE = 0o555
"""what an ordinary pull by podman gives a root that no entry tells of"""


def write_zstd_chunked(spool: Spool, diff_id: Digest, store: BlobStore, encoding: Encoding) -> WrittenLayer:
    """The spooled tar, whose digest is `diff_id`, as a zstd:chunked blob of `store`.

    Raises NotExpressible, and what writing raises.
    """
    _refuse_implied(spool)
    writing = _Writing(spool)
    with store.writer() as blob:
        for made in make_frames(spool, _frames(spool), encoding, with_crc=True):
            writing.note(made, blob.size)
            blob.write(made.stored)
        split = _Packed(tar_split_lines(spool, writing.checksums.__getitem__), encoding)
        toc = _Packed(toc_pieces(writing.entries(for_old=False), sha256(split.stored)), encoding)
        if toc.length > READABLE_TOC_BYTES:
            raise NotExpressible(f"its table of contents has more than {READABLE_TOC_BYTES // MIB} MiB")
        toc_at = _skippable(blob, toc.stored)
        split_at = _skippable(blob, split.stored)
        annotations = {
            NEW_CHECKSUM: sha256(toc.stored),
            NEW_POSITION: f"{toc_at}:{len(toc.stored)}:{toc.length}:{TOC_TYPE}",
            TAR_SPLIT_POSITION: f"{split_at}:{len(split.stored)}:{split.length}",
        }
        if not spool.trap:
            annotations |= _write_for_old(blob, writing, encoding)
        words = (toc_at, len(toc.stored), toc.length, TOC_TYPE, split_at, len(split.stored), split.length)
        _skippable(blob, FOOTER.pack(*words, FOOTER_MAGIC))
        found = blob.commit(layer_type(Compression.ZSTD, docker=False))
    return WrittenLayer(Descriptor(found.media_type, found.digest, found.size, annotations), diff_id, spool.size)


def _write_for_old(blob: BlobWriter, writing: _Writing, encoding: Encoding) -> dict[str, str]:
    """The table for readers before 2023, and the annotations that they know."""
    toc = _Packed(toc_pieces(writing.entries(for_old=True)), encoding)
    if toc.length > OLD_READABLE_TOC_BYTES:
        return {}
    position = f"{_skippable(blob, toc.stored)}:{len(toc.stored)}:{toc.length}:{TOC_TYPE}"
    return {OLD_CHECKSUM: sha256(toc.stored), OLD_POSITION: position}


def _frames(spool: Spool) -> Iterator[Frame]:
    """Headers and padding in frames of their own, so that what a client fetches is content alone."""
    builder = FrameBuilder()
    end = 0
    for index, member in enumerate(spool.members):
        builder.add((end, member.data))
        if member.size or builder.full:
            yield from builder.cut()
        for start, stop in chunks_of(member.data, member.size):
            builder.begin((start, stop), index, start - member.data)
            yield from builder.cut()
        end = member.end
    for stretch in chunks_of(end, spool.size - end):
        builder.add(stretch)
        yield from builder.cut()
    yield from builder.cut()


@dataclass
class _Writing:
    """What table of contents and tar-split will say of the frames that were written."""

    spool: Spool
    chunks: dict[int, list[Chunk]] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    checksums: dict[int, int] = field(default_factory=dict)
    _whole: hashlib._Hash | None = None

    def note(self, made: Made, offset: int) -> None:
        """A frame is about to be written at `offset` of the blob."""
        frame = made.frame
        if not frame.data:
            return
        index, size = frame.member, self.spool.members[frame.member].size
        end = offset + len(made.stored)
        self.chunks.setdefault(index, []).append(Chunk(frame.at, frame.data, offset, end, made.digest))
        if frame.data == size:
            self.digests[index], self.checksums[index] = made.digest, made.crc64
            return
        self.checksums[index] = checksum(made.content, self.checksums.get(index, 0))
        if self._whole is None:
            self._whole = hashlib.sha256()
        self._whole.update(made.content)
        if frame.at + frame.data == size:
            self.digests[index], self._whole = f"sha256:{self._whole.hexdigest()}", None

    def entries(self, *, for_old: bool) -> Iterator[bytes]:
        """The entries of the table; old readers also get one for the root where the tar has none."""
        if for_old and all(member.path for member in self.spool.members):
            yield directory_entry("./", _ROOT_MODE)
        for index, member in enumerate(self.spool.members):
            chunks, digest = self.chunks.get(index, ()), self.digests.get(index, "")
            yield from file_entries(member.header, chunks, digest, with_ends=True, for_old=for_old)


def _refuse_implied(spool: Spool) -> None:
    """Raise NotExpressible for a directory without an entry: containers/storage makes it inaccessible, mode 0000."""
    told = {member.path for member in spool.members if member.header.kind == "dir"} | {""}
    for member in spool.members:
        above = member.path.rpartition("/")[0]
        if above not in told:
            raise NotExpressible(f"the directory {above[:80]!r} has no entry, and partial pulls make it inaccessible")


class _Packed:
    """Pieces as one frame of zstd; `length` is what they have in all."""

    def __init__(self, pieces: Iterable[bytes], encoding: Encoding) -> None:
        import zstandard

        packing = zstandard.ZstdCompressor(level=encoding.level, write_checksum=True).compressobj()
        self.length = 0
        stored = bytearray()
        for piece in pieces:
            self.length += len(piece)
            stored += packing.compress(piece)
        self.stored = bytes(stored + packing.flush())


def _skippable(blob: BlobWriter, content: bytes) -> int:
    """Write a frame that decoders pass over; the position of its content in the blob."""
    blob.write(SKIPPABLE + struct.pack("<I", len(content)))
    position = blob.size
    blob.write(content)
    return position
