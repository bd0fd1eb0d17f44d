"""Entries of a table of contents as JSON (stargz-snapshotter, docs/estargz.md, "TOC"; both formats share it).

What containers/storage 1.43 (podman 4.3) reads is a little different: it looks for `UID`, `GID` and `ModTime`, every
other reader for lower case, and without them makes all files root's and of today. It makes the root directory
accessible to root alone where no entry tells of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from slimml.oci.digest import Digest
from slimml.oci.lazy.header import Header, Moment


class Chunk(NamedTuple):
    """A chunk of a file: `size` bytes from its byte `at` on lie alone in the frame `[offset, end)` of the blob.

    In eStargz more may follow in that frame.
    """

    at: int
    size: int
    offset: int
    end: int
    digest: str


def file_entries(
    header: Header,
    chunks: Sequence[Chunk] = (),
    digest: str = "",
    *,
    with_ends: bool = False,
    for_old: bool = False,
    names: tuple[str, str] = ("", ""),
) -> Iterable[bytes]:
    """The JSON objects of one entry of the tar: itself, and one for each chunk of it but the first.

    `digest` is that of the whole content, `names` the owner and group where they are to be told; `with_ends` tells
    where frames end, as zstd:chunked does. `for_old` adds what containers/storage 1.43 looks for.
    """
    entry: dict[str, Any] = {"type": header.kind, "name": header.name}
    if header.kind in ("hardlink", "symlink"):
        entry["linkName"] = header.link
    entry["mode"] = header.mode
    if header.size:
        entry["size"] = header.size
    when = moment_text(header.modified)
    entry |= {"uid": header.uid, "gid": header.gid, "modtime": when}
    if for_old:
        entry |= {"UID": header.uid, "GID": header.gid, "ModTime": when}
    entry |= {key: name for key, name in zip(("userName", "groupName"), names, strict=True) if name}
    for key, moment in (("accesstime", header.accessed), ("changetime", header.changed)):
        if moment is not None:
            entry[key] = moment_text(moment)
    for key, number in zip(("devMajor", "devMinor"), header.device, strict=True):
        if number:
            entry[key] = number
    if header.xattrs:
        entry["xattrs"] = {key: base64.b64encode(value).decode() for key, value in sorted(header.xattrs.items())}
    if digest:
        entry["digest"] = digest
    if chunks:
        entry |= _where(chunks[0], alone=len(chunks) == 1, end=chunks[-1].end if with_ends else 0)
    yield _line(entry)
    for chunk in chunks[1:]:
        end = chunk.end if with_ends else 0
        yield _line({"type": "chunk", "name": header.name, **_where(chunk, alone=False, end=end)})


def directory_entry(name: str, mode: int) -> bytes:
    """An entry for a directory that the tar does not tell of, root's and of 1970."""
    return next(iter(file_entries(plain_header(name, "dir", mode), for_old=True)))


def plain_header(name: str, kind: str, mode: int, size: int = 0) -> Header:
    """The header of something that is root's and of 1970."""
    return Header(name, kind, "", mode, 0, 0, size, Moment(0, 0), None, None, (0, 0), "", "", {})


def toc_pieces(entries: Iterable[bytes], tar_split: Digest | None = None) -> Iterable[bytes]:
    """The whole document. `tar_split` is the digest of the tar-split data as it is stored."""
    yield b'{"version":1,"entries":['
    first = True
    for entry in entries:
        yield entry if first else b"," + entry
        first = False
    # Old readers stop behind the entries, so nothing that they need may follow.
    yield b"]" + (f',"tarSplitDigest":"{tar_split}"'.encode() if tar_split else b"") + b"}"


def moment_text(moment: Moment) -> str:
    """RFC 3339 in UTC, with as many digits of a second as there are."""
    text = datetime.fromtimestamp(moment.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    fraction = f"{moment.nanoseconds:09}".rstrip("0")
    return f"{text}.{fraction}Z" if fraction else f"{text}Z"


def _where(chunk: Chunk, *, alone: bool, end: int) -> dict[str, Any]:
    found: dict[str, Any] = {"offset": chunk.offset}
    if end:
        found["endOffset"] = end
    if not alone:
        found["chunkSize"] = chunk.size
    if chunk.at:
        found["chunkOffset"] = chunk.at
    return found | {"chunkDigest": chunk.digest}


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
