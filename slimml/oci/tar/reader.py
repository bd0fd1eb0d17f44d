"""A tar stream, pushed in as buffers of any size, told to a visitor entry by entry: one pass, bounded memory.

Reads ustar, PAX, GNU long names, GNU and PAX sparse files and base-256 numbers (POSIX pax; GNU tar manual, "Basic Tar
Format"), and understands whiteouts (image-spec layer.md). Where tools differ it does as Go's archive/tar, which Docker
and Podman use: links and directories have no content, an archive may end without its two zero blocks.
"""

from collections.abc import Callable
from typing import IO
from zlib import adler32

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.tar import header as headers
from slimml.oci.tar import names, sparse
from slimml.oci.tar.events import Entry, Kind, TarVisitor
from slimml.oci.tar.extensions import TYPES, Extensions, OldSparse
from slimml.oci.tar.header import BLOCK, USTAR_MAGIC, ZERO_BLOCK, RawHeader

_KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"1": Kind.HARDLINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.CHARACTER,
    b"4": Kind.BLOCK,
    b"5": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}
_DEVICES = (Kind.CHARACTER, Kind.BLOCK)
_MEMO = 1 << 16
_SHORT = 255
_DOT = 0x2E
_unpack = headers.unpack_fields
_new = tuple.__new__  # a named tuple's own constructor takes three times as long
_EMPTY = memoryview(b"")
_FILE = Kind.FILE
_NO_DEVICE = (0, 0)


class TarReader:
    """Feed it the tar; it tells the visitor. `what` names the tar in errors. Raises InvalidImage, LimitExceeded."""

    def __init__(self, visitor: TarVisitor, what: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self._visitor, self._what, self._limits = visitor, what, limits
        self._extensions = Extensions(what, limits)
        self._file_bytes, self._most_members = limits.file_bytes, limits.members
        self._base = 0  # position in the tar of the current buffer's first byte
        self._carry = b""  # the part of a header block that an earlier buffer ended with
        self._left = 0  # bytes of content still to come
        self._pad = 0  # bytes to pass over after it
        self._announced: Entry | None = None  # a file of which no content was seen yet
        self._streaming = False  # the visitor was told of a file's beginning
        self._collecting = False  # the content is an extension's
        self._map: sparse.DataMap | None = None
        self._old_sparse: OldSparse | None = None
        self._zero_blocks = 0
        self._members = 0
        # Fields and directories recur by the thousand; looking them up costs a tenth of parsing them again.
        self._ids: dict[bytes, tuple[int, int, int]] = {}
        self._times: dict[bytes, int] = {}
        self._checksums: dict[bytes, int] = {}
        self._parents: dict[bytes, str] = {}

    def feed(self, buffer: bytes | bytearray | memoryview) -> None:
        """The next bytes of the tar."""
        view = memoryview(buffer)
        length = len(view)
        position = 0
        if self._carry:
            position = self._join(view, length)
        while position < length:
            if self._left or self._pad:
                position = self._content(view, position, length)
            elif self._zero_blocks == 2:  # engines stop reading here, and so do we
                break
            elif length - position < BLOCK:
                self._carry = bytes(view[position:])
                break
            else:
                position = self._header(view, position, length)
        self._base += length

    def _join(self, view: memoryview, length: int) -> int:
        carried = len(self._carry)
        position = min(BLOCK - carried, length)
        block = self._carry + bytes(view[:position])
        if len(block) < BLOCK:
            self._carry = block
        else:
            self._carry = b""
            base, self._base = self._base, self._base - carried
            self._header(memoryview(block), 0, BLOCK)
            self._base = base
        return position

    @property
    def announced(self) -> Entry | None:
        """The file whose content comes next, as long as none of it was fed: it may be skipped."""
        return self._announced

    def skip(self, size: int, crc64: int, opener: Callable[[], IO[bytes]]) -> None:
        """The content of the file just announced is not in the stream: it has `size` bytes; `opener` opens it."""
        entry = self._announced
        if entry is None or size != self._left or self._map is not None:
            raise InvalidImage(f"{self._what}: {size} bytes of content stand where the headers announce {self._left}")
        self._announced = None
        self._base += size
        self._left = 0
        self._visitor.elsewhere(entry, crc64, opener)

    def finish(self) -> None:
        """The stream ended; raises InvalidImage when it ended inside an entry [CVE-2021-20291]."""
        hanging = self._old_sparse is not None or self._extensions.hanging
        if self._left or self._pad or self._carry or hanging:
            raise InvalidImage(f"{self._what}: the tar is cut off after {self._base} bytes")
        self._visitor.finish(self._base)

    def _content(self, view: memoryview, position: int, length: int) -> int:
        left = self._left
        if left:
            stop = position + left
            last = stop <= length
            piece = view[position : stop if last else length]
            self._left = 0 if last else left - len(piece)
            self._piece(piece, last)
            if not last:
                return length
            position = stop
        stop = position + self._pad
        self._pad = max(stop - length, 0)
        return min(stop, length)

    def _piece(self, piece: memoryview, last: bool) -> None:
        if self._collecting:
            self._extensions.collect(piece)
            if last:
                self._collecting = False
                self._extensions.end()
            return
        if self._map is not None:
            self._map.feed(piece)
            if last:
                self._map.finish()
                self._map = None
        entry = self._announced
        if entry is not None:
            self._announced = None
            if last:
                self._visitor.whole(entry, piece)
                return
            self._streaming = True
            self._visitor.begin(entry)
        if self._streaming:
            self._visitor.data(piece)
            if last:
                self._streaming = False
                self._visitor.end()

    def _header(self, view: memoryview, position: int, length: int) -> int:
        stop = position + BLOCK
        block = view[position:stop]
        offset = self._base + position
        if self._old_sparse is not None:
            self._sparse_block(block, offset)
            return stop
        fields = _unpack(block)
        name, ids, size_field, time_field, checksum, kind, link, magic, devices, prefix = fields
        if not name[0] and block == ZERO_BLOCK:
            self._zero_blocks += 1
            return stop
        if self._zero_blocks:
            raise InvalidImage(f"{self._what}: a zero block stands before more entries")
        try:
            if adler32(block) & 0xFFFF != (self._checksums.get(checksum) or self._parse_checksum(checksum)):
                self._doubt(block, checksum, offset)
            digits = size_field[:11]
            size = int(digits, 8) if digits.isdigit() else headers.number(size_field)
            ids_found = self._ids.get(ids) or self._parse_ids(ids)
            mtime = self._times.get(time_field)
            if mtime is None:
                mtime = self._parse_time(time_field)
            if size < 0:
                raise ValueError(size)
            name = name.partition(b"\0")[0]
            if prefix[0] and magic[:6] == USTAR_MAGIC:
                name = prefix.partition(b"\0")[0] + b"/" + name
            if kind == b"0" and not self._extensions.any and size <= self._file_bytes:
                parent, slash, last = name.rpartition(b"/")
                known = self._parents.get(parent)
                if known is not None and slash and last and last[0] != _DOT and len(name) <= _SHORT:
                    try:
                        path = known + last.decode()
                    except UnicodeDecodeError:
                        path = known + names.decode(last)
                    entry = _new(
                        Entry,
                        (path, _FILE, size, *ids_found, mtime, "", offset, offset + BLOCK, size, _NO_DEVICE, None),
                    )
                    return self._file(entry, view, stop, length)
            if kind in TYPES:
                self._extend(kind, size, offset)
                return stop
            link = link.partition(b"\0")[0]
            raw = _new(RawHeader, (kind, name, link, size, size, *ids_found, mtime, devices))
            if kind == b"S":
                self._old_sparse = OldSparse(raw, block, offset, self._what, self._limits)
        except ValueError:
            raise InvalidImage(f"{self._what}: the header at byte {offset} has a malformed number") from None
        if self._old_sparse is None:
            self._entry(raw, offset, offset + BLOCK)
        elif self._old_sparse.complete:
            self._end_old_sparse(offset + BLOCK)
        return stop

    def _file(self, entry: Entry, view: memoryview, position: int, length: int) -> int:
        """An ordinary file, told at once when all of it lies in the buffer: nine of ten entries take this way."""
        self._members += 1
        if self._members > self._most_members:
            raise LimitExceeded(f"{self._what} has more than {self._most_members} entries", "members")
        size = entry[2]
        if position + size > length:
            self._announced = entry
            self._left, self._pad = size, -size % BLOCK
            return position
        stop = position + size
        self._visitor.whole(entry, view[position:stop])
        padded = stop + -size % BLOCK
        if padded > length:
            self._pad = padded - length
            return length
        return padded

    def _doubt(self, block: memoryview, checksum: bytes, offset: int) -> None:
        if not headers.signed_checksum_matches(block, checksum):
            raise InvalidImage(f"{self._what}: the header at byte {offset} has a wrong checksum; this is no tar")

    def _parse_ids(self, ids: bytes) -> tuple[int, int, int]:
        found = (headers.number(ids[:8]) & 0o7777, headers.number(ids[8:16]), headers.number(ids[16:]))
        if len(self._ids) < _MEMO:
            self._ids[ids] = found
        return found

    def _parse_checksum(self, field: bytes) -> int:
        found = headers.expected_adler(field)
        if len(self._checksums) < _MEMO:
            self._checksums[field] = found
        return found

    def _parse_time(self, field: bytes) -> int:
        found = headers.number(field)
        if len(self._times) < _MEMO:
            self._times[field] = found
        return found

    def _extend(self, kind: bytes, size: int, offset: int) -> None:
        self._extensions.begin(kind, size, offset)
        self._left, self._pad = size, headers.padding(size)
        self._collecting = size > 0
        if not size:
            self._extensions.end()

    def _sparse_block(self, block: memoryview, offset: int) -> None:
        assert self._old_sparse is not None
        try:
            self._old_sparse.feed(block)
        except ValueError:
            raise InvalidImage(f"{self._what}: the sparse map at byte {offset} has a malformed number") from None
        if self._old_sparse.complete:
            self._end_old_sparse(offset + BLOCK)

    def _end_old_sparse(self, data_offset: int) -> None:
        found, self._old_sparse = self._old_sparse, None
        assert found is not None
        self._entry(found.raw, found.offset, data_offset)

    def _entry(self, raw: RawHeader, offset: int, data_offset: int) -> None:
        records = None
        if self._extensions.any:
            start = self._extensions.start
            offset = offset if start is None else start
            raw, self._map, records = self._extensions.apply(raw)
        limits, what = self._limits, self._what
        kind = _KINDS.get(raw.kind, Kind.OTHER)
        name = raw.name
        old_directory = raw.kind == b"\0" and name[-1:] == b"/"
        if old_directory:  # before POSIX a slash at the end was all that told a directory
            kind = Kind.DIRECTORY
        if kind is Kind.DIRECTORY and name[-1:] == b"/":
            name = name[:-1]
        path = self._path(name)
        if not path and kind is not Kind.DIRECTORY:
            # A symlink named '.' or '/' would replace the root [umoci CVE-2021-29136].
            raise InvalidImage(f"{what}: an entry that is no directory stands for the root")
        stored = raw.size if kind is Kind.FILE or kind is Kind.OTHER or old_directory else 0
        if ".wh." in path:
            path, kind = names.unmask(path, kind, what)
        link = names.target_of(raw.link, kind, limits, what) if raw.link or kind is Kind.HARDLINK else ""
        size = raw.real_size if kind is Kind.FILE else 0
        self._members += 1
        if self._members > limits.members:
            raise LimitExceeded(f"{what} has more than {limits.members} entries", "members")
        if size > limits.file_bytes or stored > limits.file_bytes:
            raise LimitExceeded(f"{what}: {path[:80]!r} has {max(size, stored)} bytes", "file_bytes")
        device = self._device(raw.devices) if kind in _DEVICES else (0, 0)
        self._left, self._pad = stored, headers.padding(stored)
        ids = raw[5:9]
        self._tell(_new(Entry, (path, kind, size, *ids, link, offset, data_offset, stored, device, records)))

    def _path(self, name: bytes) -> str:
        path = names.path_of(name, self._limits, self._what)
        parent = name.rpartition(b"/")[0]
        if len(parent) < _SHORT and len(self._parents) < _MEMO:
            directory = names.path_of(parent, self._limits, self._what)
            self._parents[parent] = directory + "/" if directory else ""
        return path

    def _tell(self, entry: Entry) -> None:
        if entry.kind is Kind.FILE and entry.stored:
            self._announced = entry
            return
        if self._map is not None:
            self._map = None
            raise InvalidImage(f"{self._what}: {entry.path[:80]!r} has a sparse map and no content")
        if entry.kind is Kind.FILE:
            self._visitor.whole(entry, _EMPTY)
        else:
            self._visitor.other(entry)

    def _device(self, numbers: bytes) -> tuple[int, int]:
        try:
            return headers.number(numbers[:8]), headers.number(numbers[8:])
        except ValueError:
            raise InvalidImage(f"{self._what}: a device number is malformed") from None
