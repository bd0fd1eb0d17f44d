"""Writes eStargz: a member of gzip for each file or 4 MiB of it, a table of contents as the last file, a footer.

Follows stargz-snapshotter, docs/estargz.md. Files in order of use come first, in that order, each behind the
directories above it; a landmark after them says how much to fetch ahead, another that nothing is. A client that does
not know the format sees a gzip layer with two more files in it, `stargz.index.json` and the landmark.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from slimml.oci.blobs import BlobStore
from slimml.oci.codec import Encoding
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import Digest, sha256
from slimml.oci.lazy.contents import Chunk, directory_entry, file_entries, plain_header, toc_pieces
from slimml.oci.lazy.formats import (
    LANDMARK,
    NO_PREFETCH,
    OLD_READABLE_TOC_BYTES,
    OWN_NAMES,
    PREFETCH,
    TOC_DIGEST,
    TOC_NAME,
)
from slimml.oci.lazy.frames import Frame, FrameBuilder, chunks_of, make_frames, one_frame
from slimml.oci.lazy.header import NotExpressible
from slimml.oci.lazy.spool import Member, Spool, clean, content_end
from slimml.oci.lazy.written import WrittenLayer
from slimml.oci.limits import MIB
from slimml.oci.media_types import Compression, layer_type
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.header import padding
from slimml.oci.tar.writer import TRAILER, entry_header, padding_after

FOOTER_BYTES = 51
_MODE, _ROOT_MODE = 0o644, 0o755
_LANDMARK = -2
"""stands for the landmark where members are counted"""


def write_estargz(spool: Spool, store: BlobStore, encoding: Encoding, order: Sequence[str] = ()) -> WrittenLayer:
    """The spooled tar as an eStargz blob of `store`; `order` are paths of files in the order of their first use.

    Paths that the layer does not have are passed over. Raises NotExpressible, and what writing raises.
    """
    if spool.trap:
        raise NotExpressible(spool.trap)
    laid = _lay_out(spool, order)
    writing = _Writing(spool)
    tar_hash = hashlib.sha256()
    tar_bytes = 0
    with store.writer() as blob:
        for made in make_frames(spool, laid.frames(spool), encoding, with_crc=False):
            writing.note(made.frame, made.content, made.digest, blob.size)
            tar_hash.update(made.content)
            tar_bytes += len(made.content)
            blob.write(made.stored)
        toc = _join(writing.entries(laid))
        offset = blob.size
        compress = one_frame(encoding)
        content = entry_header(_entry(TOC_NAME, len(toc))) + toc + padding_after(len(toc)) + TRAILER
        tar_hash.update(content)
        blob.write(compress(content))
        blob.write(footer(offset))
        found = blob.commit(layer_type(Compression.GZIP, docker=False))
    annotations = {TOC_DIGEST: sha256(toc)}
    return WrittenLayer(
        Descriptor(found.media_type, found.digest, found.size, annotations),
        Digest(f"sha256:{tar_hash.hexdigest()}"),
        tar_bytes + len(content),
    )


def footer(toc_offset: int) -> bytes:
    """An empty member of gzip whose extra field says where the member with the table of contents begins."""
    extra = b"%016xSTARGZ" % toc_offset
    head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H", len(extra) + 4)
    return head + b"SG" + struct.pack("<H", len(extra)) + extra + b"\x01\0\0\xff\xff" + bytes(8)


@dataclass(frozen=True)
class _Layout:
    """Members of the spool by index, in the order of the new tar; the landmark stands behind the first `first`."""

    indexes: tuple[int, ...]
    first: int
    landmark: str

    def frames(self, spool: Spool) -> Iterator[Frame]:
        builder = FrameBuilder()
        for count, index in enumerate(self.indexes):
            if count == self.first:
                yield from _landmark_frames(builder, self.landmark)
            yield from _member_frames(builder, spool.members[index], index)
        if self.first == len(self.indexes):
            yield from _landmark_frames(builder, self.landmark)
        yield from builder.cut()

    def positions(self) -> Iterator[int]:
        """The members as they come, the landmark among them."""
        yield from self.indexes[: self.first]
        yield _LANDMARK
        yield from self.indexes[self.first :]


def _lay_out(spool: Spool, order: Sequence[str]) -> _Layout:
    """Which member comes when: what is used first, its directories and the targets of hard links before it."""
    members = spool.members
    index_of = {member.path: index for index, member in enumerate(members) if member.path not in OWN_NAMES}
    taken: dict[int, None] = {}

    def take(path: str) -> None:
        chain = [path]  # a name, what it is a hard link of, and so on
        while (index := index_of.get(chain[-1], -1)) >= 0 and index not in taken:
            if members[index].header.kind != "hardlink":
                break
            chain.append(clean(members[index].header.link))
        for name in reversed(chain):
            parts = name.split("/")
            for depth in range(len(parts) + 1):  # the root, if the tar names it, is the first of them
                index = index_of.get("/".join(parts[:depth]), -1)
                if index >= 0:
                    taken[index] = None

    for path in order:
        if path in index_of:
            take(path)
    rest = [index for index in index_of.values() if index not in taken]
    return _Layout((*taken, *rest), len(taken), PREFETCH if taken else NO_PREFETCH)


def _member_frames(builder: FrameBuilder, member: Member, index: int) -> Iterator[Frame]:
    builder.add((member.begin, member.data))
    for start, stop in chunks_of(member.data, member.size):
        yield from builder.cut()
        builder.begin((start, stop), index, start - member.data)
    builder.add((member.end, content_end(member)))
    if builder.full:
        yield from builder.cut()


def _landmark_frames(builder: FrameBuilder, name: str) -> Iterator[Frame]:
    yield from builder.cut()
    builder.add(entry_header(_entry(name, len(LANDMARK))))
    yield from builder.cut()
    builder.begin(LANDMARK, _LANDMARK, 0)
    builder.add(bytes(padding(len(LANDMARK))))


def _entry(name: str, size: int) -> Entry:
    return Entry(name, Kind.FILE, size, _MODE, 0, 0, 0, "", 0, 0, size)


@dataclass
class _Writing:
    """What the table of contents will say of the frames that were written."""

    spool: Spool
    chunks: dict[int, list[Chunk]] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    _whole: hashlib._Hash | None = None

    def note(self, frame: Frame, content: bytes, digest: str, offset: int) -> None:
        """A frame is about to be written at `offset` of the blob."""
        if not frame.data:
            return
        index = frame.member
        self.chunks.setdefault(index, []).append(Chunk(frame.at, frame.data, offset, 0, digest))
        size = len(LANDMARK) if index == _LANDMARK else self.spool.members[index].size
        if frame.data == size:
            self.digests[index] = digest
            return
        if self._whole is None:
            self._whole = hashlib.sha256()
        self._whole.update(memoryview(content)[: frame.data])
        if frame.at + frame.data == size:
            self.digests[index], self._whole = f"sha256:{self._whole.hexdigest()}", None

    def entries(self, laid: _Layout) -> Iterator[bytes]:
        """The entries of the table."""
        landmark = plain_header(laid.landmark, "reg", _MODE, len(LANDMARK))
        if all(member.path for member in self.spool.members):
            yield directory_entry("./", _ROOT_MODE)
        users: dict[int, str] = {}
        groups: dict[int, str] = {}
        for index in laid.positions():
            header = landmark if index == _LANDMARK else self.spool.members[index].header
            names = (_if_changed(users, header.uid, header.user), _if_changed(groups, header.gid, header.group))
            digest = self.digests.get(index, sha256(b"") if header.kind == "reg" else "")
            yield from file_entries(header, self.chunks.get(index, ()), digest, for_old=True, names=names)


def _if_changed(known: dict[int, str], number: int, name: str) -> str:
    if not name or known.get(number) == name:
        return ""
    known[number] = name
    return name


def _join(entries: Iterator[bytes]) -> bytes:
    found = bytearray()
    for piece in toc_pieces(entries):
        found += piece
        if len(found) > OLD_READABLE_TOC_BYTES:
            raise NotExpressible(f"its table of contents has more than {OLD_READABLE_TOC_BYTES // MIB} MiB")
    return bytes(found)
