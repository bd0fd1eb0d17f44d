"""An entry's header blocks, read once more as Go's archive/tar reads them: tables of contents repeat its words.

slimml's own reader cleans names and keeps what it needs; clients compare a table with the headers as they stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from slimml.errors import InvalidImage
from slimml.oci.limits import Limits
from slimml.oci.tar import pax
from slimml.oci.tar.header import BLOCK, number, padding, unpack_fields

_XATTR = "SCHILY.xattr."
_USTAR, _GNU = b"ustar\0", b"ustar "
_NAMES = slice(265, 329)
_GNU_TIMES = (slice(345, 357), slice(357, 369))
_NANOSECONDS = 9
_YEARS = (-62135596800, 253402300799)
"""seconds of the years that RFC 3339 can write, 1 to 9999"""
TYPES = {
    b"0": "reg",
    b"\0": "reg",
    b"1": "hardlink",
    b"2": "symlink",
    b"3": "char",
    b"4": "block",
    b"5": "dir",
    b"6": "fifo",
}


class NotExpressible(Exception):
    """Something in a layer that the format cannot say, or that a client is known to get wrong; says what."""


class Moment(NamedTuple):
    """A time since 1970."""

    seconds: int
    nanoseconds: int


class Header(NamedTuple):
    """`kind` is the type in a table of contents; names are as they stand in the tar. `size` is that of the header."""

    name: str
    kind: str
    link: str
    mode: int
    uid: int
    gid: int
    size: int
    modified: Moment
    accessed: Moment | None
    changed: Moment | None
    device: tuple[int, int]
    user: str
    group: str
    xattrs: Mapping[str, bytes]


def read_header(blocks: bytes, what: str, limits: Limits) -> Header:
    """The header in `blocks`, which begin with its first extension record and end before its content.

    Raises NotExpressible, and what reading PAX records raises.
    """
    records: dict[str, bytes] = {}
    long_name = long_link = None
    position = 0
    while True:
        block = blocks[position : position + BLOCK]
        fields = unpack_fields(block)
        position += BLOCK
        kind, size = fields[5], number(fields[2])
        if kind in TYPES:
            break
        body = blocks[position : position + size]
        position += size + padding(size)
        match kind:
            case b"x":
                records |= pax.parse_records(body, what, limits)
            case b"L":
                long_name = body.partition(b"\0")[0]
            case b"K":
                long_link = body.partition(b"\0")[0]
            case _:
                raise NotExpressible(f"it has an entry of type {kind!r}")
    if any(key.startswith(_XATTR) and not value for key, value in records.items()):
        raise NotExpressible("it has an extended attribute without a value")
    # Empty records leave the header's own fields as they are.
    return _header(block, {key: value for key, value in records.items() if value}, long_name, long_link)


def _header(block: bytes, records: Mapping[str, bytes], long_name: bytes | None, long_link: bytes | None) -> Header:
    name, ids, size, mtime, _, kind, link, magic, devices, prefix = unpack_fields(block)
    name, link = name.partition(b"\0")[0], link.partition(b"\0")[0]
    if prefix[0] and magic[:6] == _USTAR:
        name = prefix.partition(b"\0")[0] + b"/" + name
    name = records.get("path", name if long_name is None else long_name)
    link = records.get("linkpath", link if long_link is None else long_link)
    word = _text(name, "a name")
    if any(key.startswith("GNU.sparse.") for key in records):
        raise NotExpressible(f"{word[:80]!r} is sparse")
    found = TYPES[kind]
    if found == "reg" and word.endswith("/"):
        if kind == b"0":
            raise NotExpressible(f"{word[:80]!r} is a file with the name of a directory")
        found = "dir"
    user, group = (half.partition(b"\0")[0] for half in (block[_NAMES][:32], block[_NAMES][32:]))
    with_devices = magic[:5] == _USTAR[:5]
    return Header(
        name=word,
        kind=found,
        link=_text(link, "a link"),
        mode=number(ids[:8]),
        uid=_decimal(records, "uid", number(ids[8:16])),
        gid=_decimal(records, "gid", number(ids[16:])),
        size=_decimal(records, "size", number(size)),
        modified=_time(records, "mtime") or Moment(_in_years(number(mtime)), 0),
        accessed=_time(records, "atime") or _gnu_time(block, magic, 0),
        changed=_time(records, "ctime") or _gnu_time(block, magic, 1),
        device=(number(devices[:8]), number(devices[8:])) if with_devices else (0, 0),
        user=_text(records.get("uname", user), "an owner's name"),
        group=_text(records.get("gname", group), "a group's name"),
        xattrs={
            _valid(key[len(_XATTR) :], "an attribute's name"): value
            for key, value in records.items()
            if key.startswith(_XATTR)
        },
    )


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise NotExpressible(f"{what} is not UTF-8, {raw[:80]!r}") from None


def _valid(text: str, what: str) -> str:
    if not text.isascii():
        _text(text.encode("utf-8", "surrogateescape"), what)
    return text


def _decimal(records: Mapping[str, bytes], key: str, default: int) -> int:
    try:
        return int(records.get(key, default))
    except ValueError:
        raise InvalidImage(f"PAX record {key} is {records[key][:40]!r}, no number") from None


def _time(records: Mapping[str, bytes], key: str) -> Moment | None:
    """Nanoseconds as Go reads them: cut off after nine digits, and never negative."""
    value = records.get(key)
    if value is None:
        return None
    whole, _, fraction = value.partition(b".")
    negative, digits = whole.startswith(b"-"), fraction[:_NANOSECONDS]
    if not whole.removeprefix(b"-").isdigit() or (fraction and not fraction.isdigit()):
        raise InvalidImage(f"PAX record {key} is {value[:40]!r}, no time")
    seconds, nanoseconds = int(whole), int(digits.ljust(_NANOSECONDS, b"0") or b"0")
    if negative and nanoseconds:
        seconds, nanoseconds = seconds - 1, 10**_NANOSECONDS - nanoseconds
    return Moment(_in_years(seconds), nanoseconds)


def _gnu_time(block: bytes, magic: bytes, which: int) -> Moment | None:
    field = block[_GNU_TIMES[which]]
    if magic[:6] != _GNU or not field[0]:
        return None
    return Moment(_in_years(number(field)), 0)


def _in_years(seconds: int) -> int:
    if not _YEARS[0] <= seconds <= _YEARS[1]:
        raise NotExpressible(f"it has a time of {seconds} seconds, beyond what RFC 3339 can write")
    return seconds
