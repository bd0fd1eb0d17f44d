"""One tar header block: its fields, numbers, and checksum (POSIX pax, "ustar Interchange Format"; GNU tar manual)."""

import struct
from typing import NamedTuple

BLOCK = 512
ZERO_BLOCK = bytes(BLOCK)

unpack_fields = struct.Struct("100s24s12s12s8sc100s8s64x16s155s12x").unpack_from
"""name, mode+uid+gid, size, mtime, checksum, type, link, magic+version, device numbers, prefix"""

USTAR_MAGIC = b"ustar\0"

_ADLER_MODULUS = 65521
_CHECKSUM_SPAN = slice(148, 156)


def padding(size: int) -> int:
    """Bytes after `size` bytes of content up to the next block."""
    return -size % BLOCK


def number(field: bytes) -> int:
    """A numeric field: octal text or GNU base-256; raises ValueError for anything else."""
    first = field[0]
    if first & 0x80:
        value = int.from_bytes(field, "big", signed=False) & ((1 << (8 * len(field) - 1)) - 1)
        if first & 0x40:
            value -= 1 << (8 * len(field) - 1)
        if not -(1 << 63) <= value < 1 << 63:
            raise ValueError(field)
        return value
    digits = field.partition(b"\0")[0].strip()
    if not digits:
        return 0
    if not digits.isdigit():  # int() would take signs, underscores and inner spaces
        raise ValueError(field)
    return int(digits, 8)


def expected_adler(checksum: bytes) -> int:
    """The low half of the block's Adler-32, were its stored checksum right.

    That half is 1 plus the sum of the bytes modulo 65521: the tar checksum at the price of one C call.
    """
    stored = number(checksum)
    return (1 + stored - 8 * 32 + sum(checksum)) % _ADLER_MODULUS


def signed_checksum_matches(block: memoryview, checksum: bytes) -> bool:
    """Whether the block's checksum is right when bytes are summed as signed, as some old tars did."""
    raw = bytearray(block)
    raw[_CHECKSUM_SPAN] = b" " * 8
    return sum(raw) - 256 * sum(byte > 127 for byte in raw) == number(checksum)


class RawHeader(NamedTuple):
    """A header's fields after decoding. `size` is what the tar stores, `real_size` what a program reads."""

    kind: bytes
    name: bytes
    link: bytes
    size: int
    real_size: int
    mode: int
    uid: int
    gid: int
    mtime: int
    devices: bytes
