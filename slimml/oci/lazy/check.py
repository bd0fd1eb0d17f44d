"""Whether a lazy layer keeps its format's promises: table against tar, places against frames, digests, tar-split."""

from __future__ import annotations

import io
from collections.abc import Iterator

import msgspec

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.codec import Decoded
from slimml.oci.digest import short
from slimml.oci.image import Layer
from slimml.oci.lazy.agreement import Agreement, Problems, indexed
from slimml.oci.lazy.boundaries import Framed
from slimml.oci.lazy.formats import LazyFormat, format_of
from slimml.oci.lazy.frames import checksum
from slimml.oci.lazy.table import Table, TocEntry, estargz_table, tar_split_data, zstd_chunked_tables
from slimml.oci.limits import Limits
from slimml.oci.media_types import Compression
from slimml.oci.tar.reader import TarReader
from slimml.oci.verify import verified

_LINE_BYTES = 16 << 20
"""a line holds the headers of one entry, or 4 MiB of zeros by slimml, in base64"""

Claims = list[tuple[str, str]]
"""what was looked at, and what is wrong with it, "" where nothing is"""


def lazy_claims(layer: Layer, limits: Limits) -> Claims:
    """What a layer's annotations promise, held against its blob; [] for an ordinary layer.

    Faults are problems; raised is what keeps from looking: AccessDenied, Unavailable, NotFound.
    """
    found = format_of(layer.descriptor)
    if found is None:
        return []
    name = "eStargz" if found is LazyFormat.ESTARGZ else "zstd:chunked"
    claim = f"is {name}: its table of contents is found, and says what the tar holds and where"
    try:
        if layer.compression is not found.compression:
            raise InvalidImage(f"it is stored as {layer.compression.value}, not as {found.compression.value}")
        if found is LazyFormat.ESTARGZ:
            return [(claim, _against_tar(layer, estargz_table(layer, limits), limits, estargz=True, split=None))]
        return _zstd_chunked(layer, limits, claim)
    except InvalidImage as error:
        return [(claim, str(error))]


def _zstd_chunked(layer: Layer, limits: Limits, claim: str) -> Claims:
    new, old = zstd_chunked_tables(layer, limits)
    split = None
    same = _disagreement(new, old) if new is not None and old is not None else None
    if new is not None and new.tar_split:
        split = _TarSplit(_lines(tar_split_data(layer, new, limits), limits))
    table = new or old
    assert table is not None
    claims = [(claim, _against_tar(layer, table, limits, estargz=False, split=split))]
    if split is not None:
        claims.append(("has tar-split data that give its tar again", split.problem))
    if same is not None:
        claims.append(("has tables for older and newer clients that say the same", same))
    return claims


def _against_tar(layer: Layer, table: Table, limits: Limits, *, estargz: bool, split: _TarSplit | None) -> str:
    what = f"layer {short(layer.descriptor.digest)}"
    problems = Problems()
    files = indexed(table, problems, limits)
    agreement = Agreement(files, problems, estargz=estargz)
    reader = TarReader(agreement, what, limits)
    compression = Compression.GZIP if estargz else Compression.ZSTD
    with verified(layer.open(), layer.descriptor) as blob:
        framed = Framed(blob, compression, what, limits)
        for piece in framed:
            reader.feed(piece)
            if split is not None:
                split.feed(memoryview(piece))
        reader.finish()
    if split is not None:
        split.finish()
    for place, position, path in agreement.expected:
        if framed.starts.get(place) != position:
            problems.add(f"{path[:80]!r} is not found at byte {place}, where the table says that it is")
    for place, position, path in agreement.ends:
        if framed.starts.get(place, -1) < position:
            problems.add(f"{path[:80]!r} does not end at byte {place}, where the table says that it does")
    return problems.told()


def _disagreement(new: Table, old: Table) -> str:
    """What the table for older clients says differently; it may tell of more directories."""
    problems = Problems()
    expected = {_key(entry): entry for entry in new.entries}
    for entry in old.entries:
        other = expected.pop(_key(entry), None)
        if other is None and entry.type != "dir":
            problems.add(f"{entry.name[:80]!r} is only for older clients")
        elif other is not None and other != entry:
            problems.add(f"{entry.name[:80]!r} is another one for older clients")
    for name, _ in expected:
        problems.add(f"{name[:80]!r} is only for newer clients")
    return problems.told()


def _key(entry: TocEntry) -> tuple[str, int]:
    return entry.name, entry.chunk_at


class _Line(msgspec.Struct):
    type: int
    payload: bytes | None = None
    name: str = ""
    size: int = 0


def _lines(stored: bytes, limits: Limits) -> Iterator[_Line]:
    """The lines of tar-split data; raises InvalidImage, LimitExceeded."""
    what = "the tar-split data"
    rest = b""
    for piece in Decoded(io.BytesIO(stored), Compression.ZSTD, what, limits):
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > _LINE_BYTES:
            raise LimitExceeded(f"{what} have a line of over {_LINE_BYTES} bytes", "toc_bytes")
        for line in lines:
            yield _line(line)
    if rest:
        yield _line(rest)


def _line(raw: bytes) -> _Line:
    try:
        return msgspec.json.decode(raw, type=_Line)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise InvalidImage(f"the tar-split data cannot be read: {str(error)[:120]}") from None


class _TarSplit:
    """The tar as it passes, held against its tar-split data. `problem` is "" as long as they agree."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines = lines
        self._segment = memoryview(b"")
        self._left = 0  # of a file's content
        self._crc, self._said = 0, b""
        self.problem = ""

    def feed(self, piece: memoryview) -> None:
        """More of the tar."""
        while piece and not self.problem:
            if self._left:
                part = piece[: self._left]
                self._crc = checksum(part, self._crc)
                self._left -= len(part)
                if not self._left and self._crc.to_bytes(8, "big") != self._said:
                    self.problem = "a file has another CRC-64 than they say"
            elif self._segment:
                part = piece[: len(self._segment)]
                if part != self._segment[: len(part)]:
                    self.problem = "a header is not what they say"
                self._segment = self._segment[len(part) :]
            else:
                part = piece[:0]
                self._next()
            piece = piece[len(part) :]

    def finish(self) -> None:
        """The tar ended."""
        while not self.problem and not self._left and not self._segment:
            if not self._next(at_end=True):
                return
        self.problem = self.problem or "they go on where the tar ends"

    def _next(self, *, at_end: bool = False) -> bool:
        try:
            line = next(self._lines, None)
        except InvalidImage as error:
            self.problem = str(error)
            return True
        if line is None:
            self.problem = "" if at_end else "they end before the tar does"
        elif line.type == 1:
            self._left, self._crc, self._said = max(0, line.size), 0, line.payload or b""
        elif line.type == 2:
            self._segment = memoryview(line.payload or b"")
        else:
            self.problem = f"they have a line of type {line.type}"
        return line is not None
