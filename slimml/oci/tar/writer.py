"""Headers for new tar entries: ustar, with a PAX record for what does not fit; the same entry gives the same bytes.

Follows POSIX pax, "ustar Interchange Format" and "pax Extended Header". Entries that do not change are never written
with this: their bytes are copied from the tar that they came in.
"""

from collections.abc import Mapping
from typing import NamedTuple

from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.header import BLOCK, padding

TRAILER = bytes(2 * BLOCK)
"""the end-of-archive mark"""

_TYPES = {
    Kind.FILE: b"0",
    Kind.HARDLINK: b"1",
    Kind.SYMLINK: b"2",
    Kind.CHARACTER: b"3",
    Kind.BLOCK: b"4",
    Kind.DIRECTORY: b"5",
    Kind.FIFO: b"6",
    Kind.WHITEOUT: b"0",
    Kind.OPAQUE: b"0",
}
_NAME, _PREFIX = 100, 155
_REWRITTEN = frozenset({"path", "linkpath", "size", "uid", "gid", "uname", "gname"})
_OWNER_FIELDS = (slice(265, 297), slice(297, 329))


class OwnerNames(NamedTuple):
    """User and group as names, as the header has them; empty where it has none."""

    user: bytes = b""
    group: bytes = b""


def owner_names(block: bytes, pax: Mapping[str, bytes] | None) -> OwnerNames:
    """The names in an entry's own header block (the last before its content) and PAX records."""
    user, group = (block[field].partition(b"\0")[0] for field in _OWNER_FIELDS)
    records = pax or {}
    return OwnerNames(records.get("uname", user), records.get("gname", group))


def entry_header(entry: Entry, owner: OwnerNames = OwnerNames()) -> bytes:  # noqa: B008 - an immutable value
    """All header blocks of `entry`; `entry.size` bytes of content and `padding_after` must follow a file.

    Extended attributes and times in `entry.pax` are kept. Raises ValueError for a kind that cannot be written.
    """
    records = _kept_records(entry)
    name, prefix = _split(stored_name(entry), records)
    link = entry.link.encode("utf-8", "surrogateescape")
    if len(link) > _NAME:
        records["linkpath"] = link
    size = entry.size if entry.kind is Kind.FILE else 0
    fields = [
        name,
        _octal(entry.mode, 8),
        _number(entry.uid, 8, "uid", records),
        _number(entry.gid, 8, "gid", records),
        _number(size, 12, "size", records),
        _number(entry.mtime, 12, "mtime", records),
        b" " * 8,
        _type(entry),
        link[:_NAME].ljust(_NAME, b"\0"),
        b"ustar\x0000",
        _owner_name(owner.user, "uname", records),
        _owner_name(owner.group, "gname", records),
        _device(entry.device[0]),
        _device(entry.device[1]),
        prefix,
    ]
    return _pax_header(name, records) + _block(fields)


def padding_after(size: int) -> bytes:
    """The zero bytes that follow `size` bytes of content."""
    return bytes(padding(size))


def stored_name(entry: Entry) -> bytes:
    """The name as it stands in a tar: whiteouts with their mark, directories with a slash."""
    path = entry.path
    if entry.kind is Kind.OPAQUE:
        path = f"{path}/.wh..wh..opq" if path else ".wh..wh..opq"
    elif entry.kind is Kind.WHITEOUT:
        parent, slash, name = path.rpartition("/")
        path = f"{parent}{slash}.wh.{name}"
    elif entry.kind is Kind.DIRECTORY:
        path = f"{path}/" if path else "./"
    return path.encode("utf-8", "surrogateescape")


def _type(entry: Entry) -> bytes:
    found = _TYPES.get(entry.kind)
    if found is None:
        raise ValueError(f"an entry of kind {entry.kind.name} is copied, never written anew")
    return found


def _kept_records(entry: Entry) -> dict[str, bytes]:
    records = {
        key: value
        for key, value in (entry.pax or {}).items()
        if key not in _REWRITTEN and not key.startswith("GNU.sparse.")
    }
    # A fraction of a second that belongs to another time than the entry's is no longer true.
    if "mtime" in records and records["mtime"].partition(b".")[0] != str(entry.mtime).encode():
        del records["mtime"]
    return records


def _split(name: bytes, records: dict[str, bytes]) -> tuple[bytes, bytes]:
    if len(name) <= _NAME:
        return name.ljust(_NAME, b"\0"), bytes(_PREFIX)
    cut = name.rfind(b"/", 0, min(_PREFIX + 1, len(name) - 1))
    if cut > 0 and len(name) - cut - 1 <= _NAME:
        return name[cut + 1 :].ljust(_NAME, b"\0"), name[:cut].ljust(_PREFIX, b"\0")
    records["path"] = name
    return name[:_NAME], bytes(_PREFIX)


def _octal(value: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, value)


def _number(value: int, width: int, key: str, records: dict[str, bytes]) -> bytes:
    if 0 <= value < 8 ** (width - 1):
        return _octal(value, width)
    records.setdefault(key, str(value).encode())
    return _octal(0, width)


def _device(value: int) -> bytes:
    if 0 <= value < 8**7:
        return _octal(value, 8)
    return b"\x80" + value.to_bytes(7, "big")  # GNU base-256; PAX has no record for it


def _owner_name(name: bytes, key: str, records: dict[str, bytes]) -> bytes:
    if len(name) < 32:
        return name.ljust(32, b"\0")
    records[key] = name
    return name[:31] + b"\0"


def _block(fields: list[bytes]) -> bytes:
    block = b"".join(fields).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _pax_header(name: bytes, records: dict[str, bytes]) -> bytes:
    if not records:
        return b""
    body = b"".join(_record(key, records[key]) for key in sorted(records))
    title = b"PaxHeaders.0/" + name.rstrip(b"\0/").rpartition(b"/")[2]
    fields = [
        title[:_NAME].ljust(_NAME, b"\0"),
        _octal(0o644, 8),
        _octal(0, 8),
        _octal(0, 8),
        _octal(len(body), 12),
        _octal(0, 12),
        b" " * 8,
        b"x",
        bytes(_NAME),
        b"ustar\x0000",
    ]
    return _block(fields) + body + padding_after(len(body))


def _record(key: str, value: bytes) -> bytes:
    text = b" " + key.encode("utf-8", "surrogateescape") + b"=" + value + b"\n"
    length = len(text) + 1
    while len(str(length)) + len(text) != length:
        length = len(str(length)) + len(text)
    return str(length).encode() + text
