"""What lies at a path, whatever layer it came in: attributes, and where its content is."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slimml.oci.tar.events import Entry, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

Attributes = tuple[tuple[str, bytes], ...]
Key = tuple[object, ...]

_OF_THE_TAR = frozenset(
    {"path", "linkpath", "size", "uid", "gid", "uname", "gname", "atime", "ctime", "comment", "hdrcharset"}
    | {"LIBARCHIVE.creationtime", "SCHILY.dev", "SCHILY.ino", "SCHILY.nlink", "SCHILY.realsize"}
)
"""PAX records that say nothing of what a container sees, or what the header says anyway"""
_SPARSE = "GNU.sparse."
_FRACTION = re.compile(rb"(-?[0-9]+)\.([0-9]*?)0*\Z")
NO_DEVICE = (0, 0)


@dataclass(slots=True, eq=False)
class Node:
    """A file, directory, link or device. All hard links of a file are one node under several paths.

    `records` are what PAX tells of it (extended attributes, the fraction of its time). `digest` is the SHA-256 of its
    content, `place` where that lies in the spool (-1: it was not kept), `row` its row of the inventory (-1: of none).
    `implied` says that no entry tells of the directory; `fixed` what it is, where slimml cannot move it.
    """

    kind: Kind
    size: int = 0
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    link: str = ""
    device: tuple[int, int] = NO_DEVICE
    records: Attributes = ()
    digest: bytes = b""
    place: int = -1
    row: int = -1
    implied: bool = False
    fixed: str = ""
    linked: bool = field(default=False)
    """whether some entry is a hard link of it"""

    @property
    def key(self) -> Key:
        """Equal for nodes that a container cannot tell apart, but for their names."""
        time = 0 if self.implied else self.mtime
        told = (self.kind, self.size, self.mode, self.uid, self.gid, time, self.link, self.device)
        return (*told, self.records, self.digest)

    def entry(self, path: str) -> Entry:
        """What a tar says of the node at `path`."""
        return Entry(
            path,
            self.kind,
            self.size,
            self.mode,
            self.uid,
            self.gid,
            self.mtime,
            self.link,
            0,
            0,
            self.size,
            self.device,
            dict(self.records),
        )


def node_of(entry: Entry, row: int) -> Node:
    """The node that an entry makes; a sparse file, and what is of a kind that nobody knows, cannot be moved."""
    sparse = entry.stored != entry.size or any(name.startswith(_SPARSE) for name in entry.pax or ())
    return Node(
        fixed="of a kind that slimml does not know" if entry.kind is Kind.OTHER else "a sparse file" if sparse else "",
        kind=entry.kind,
        size=entry.size,
        mode=entry.mode,
        uid=entry.uid,
        gid=entry.gid,
        mtime=entry.mtime,
        link=entry.link,
        device=entry.device,
        records=_records(entry.pax or {}, entry.mtime),
        row=row,
    )


def join_link(node: Node, entry: Entry) -> None:
    """Let a hard link's entry do to its file what engines do: the attributes of the last name hold for all."""
    node.mode, node.uid, node.gid, node.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
    own = {name: value for name, value in node.records if name != "mtime"}
    node.records = tuple(sorted((own | dict(_records(entry.pax or {}, entry.mtime))).items()))
    node.linked = True


def implied_directory() -> Node:
    """A directory that no entry tells of, as engines make it."""
    return Node(Kind.DIRECTORY, implied=True)


def content_hash() -> hashlib._Hash:
    """What contents are told apart by: a stranger's image may not pass for another one."""
    return hashlib.sha256()


def _records(pax: Mapping[str, bytes], mtime: int) -> Attributes:
    if not pax:
        return ()
    found = {name: value for name, value in pax.items() if name not in _OF_THE_TAR}
    if "mtime" in found:
        parts = _FRACTION.match(found.pop("mtime"))
        if parts and parts[2] and int(parts[1]) == mtime:
            found["mtime"] = parts[1] + b"." + parts[2]
    return tuple(sorted(found.items()))
