"""tar-split data: a tar without its files' contents, from which it can be put together again to the byte.

Format of github.com/vbatts/tar-split (tar/storage/entry.go): a JSON object for each stretch, type 2 with raw bytes in
base64, type 1 for a file with its size and the CRC-64 (ISO) of its content. containers/storage wants one stretch for
each header, the padding before it included.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

from slimml.oci.lazy.frames import chunks_of
from slimml.oci.lazy.spool import Spool

_FILE, _SEGMENT = 1, 2


def tar_split_lines(spool: Spool, checksum_of: Callable[[int], int]) -> Iterator[bytes]:
    """The lines; `checksum_of` gives the CRC-64 of the content of a member, by its index."""
    position, end = 0, 0
    for index, member in enumerate(spool.members):
        yield _segment(spool.read(end, member.data), position)
        line: dict[str, object] = {"type": _FILE, "name": member.header.name}
        if member.size:
            line |= {"size": member.size, "payload": _base64(checksum_of(index).to_bytes(8, "big"))}
        else:
            line["payload"] = None
        yield json.dumps(line | {"position": position + 1}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        position, end = position + 2, member.end
    for start, stop in chunks_of(end, spool.size - end):
        yield _segment(spool.read(start, stop), position)
        position += 1


def _segment(raw: bytes, position: int) -> bytes:
    return b'{"type":%d,"payload":"%s","position":%d}\n' % (_SEGMENT, base64.b64encode(raw), position)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
