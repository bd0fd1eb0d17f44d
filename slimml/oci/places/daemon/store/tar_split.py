"""tar-split: what an engine keeps of a layer's tar beside the extracted files (vbatts/tar-split, tar/storage).

Lines of JSON, gzip: type 2 holds raw bytes of the tar (headers, PAX records, padding), type 1 stands for the content
of the file whose header came before: its name, size, and CRC-64 (ISO 3309). Joined in order they are the tar.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import IO

import msgspec

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.codec import Decoded, Source
from slimml.oci.limits import Limits
from slimml.oci.media_types import Compression
from slimml.oci.tar.events import TarVisitor
from slimml.oci.tar.reader import TarReader

FILE, SEGMENT = 1, 2


class Record(msgspec.Struct, gc=False):
    """One line. `payload` is a segment's bytes or a file's CRC-64, big endian; `name_raw` a name that is not UTF-8."""

    type: int
    size: int = 0
    payload: bytes | None = None
    name: str = ""
    name_raw: bytes | None = None

    @property
    def path(self) -> str:
        """The file's way beneath the layer's directory, with surrogate escapes."""
        name = self.name_raw.decode("utf-8", "surrogateescape") if self.name_raw else self.name
        return "/".join(part for part in name.split("/") if part not in ("", "."))


def records(source: Source, what: str, limits: Limits) -> Iterator[list[Record]]:
    """The records in batches. Raises InvalidImage for what is no tar-split, LimitExceeded for a line too long."""
    decoder = msgspec.json.Decoder(Record)
    # A line holds at most the headers of an entry and the padding after the one before, in base64.
    longest = 8 * limits.header_bytes
    rest = b""
    try:
        for piece in Decoded(source, Compression.GZIP, what, limits):
            whole, newline, tail = piece.rpartition(b"\n")
            if newline:
                yield decoder.decode_lines(rest + whole)
                rest = tail
            else:
                rest += piece
            if len(rest) > longest:
                raise LimitExceeded(f"{what} has a line of more than {longest} bytes", "header_bytes")
        if rest:
            yield decoder.decode_lines(rest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidImage(f"{what} is not in the form of tar-split: {error}") from None


def replay(
    source: Source,
    visitor: TarVisitor,
    open_file: Callable[[Record], IO[bytes]],
    what: str,
    limits: Limits,
    advance: Callable[[int], None],
) -> int:
    """Tell `visitor` of the entries without reading any file's content, which `open_file` opens; the bytes of the tar.

    `advance` is told of the tar's bytes. Raises InvalidImage when segments and files do not make a tar.
    """
    reader = TarReader(visitor, what, limits)
    feed, skip, from_bytes = reader.feed, reader.skip, int.from_bytes
    total = 0
    for batch in records(source, what, limits):
        before = total
        for record in batch:
            payload = record.payload
            if record.type == SEGMENT:
                if payload:
                    feed(payload)
                    total += len(payload)
            elif record.size:
                skip(record.size, from_bytes(payload or b"", "big"), partial(open_file, record))
                total += record.size
        advance(total - before)
    reader.finish()
    return total
