"""PAX extended header records (POSIX pax, "pax Extended Header"), found with byte searches, no regular expressions."""

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.limits import Limits

_XATTR_PREFIXES = ("SCHILY.xattr.", "LIBARCHIVE.xattr.")
_LENGTH_DIGITS = 10
_NUMBER_DIGITS = 20

SPARSE_OFFSET = "GNU.sparse.offset"
SPARSE_BYTES = "GNU.sparse.numbytes"
SPARSE_MAP = "GNU.sparse.map"


def parse_records(data: bytes, what: str, limits: Limits) -> dict[str, bytes]:
    """The records of one extended header; a later record of the same key wins.

    Sparse format 0.0 repeats its keys: the pairs are gathered under GNU.sparse.map as format 0.1 writes them.
    Raises InvalidImage, LimitExceeded.
    """
    records: dict[str, bytes] = {}
    extents: list[bytes] = []
    position, end = 0, len(data)
    while position < end:
        space = data.find(b" ", position, position + _LENGTH_DIGITS + 1)
        digits = data[position:space] if space > 0 else b""
        stop = position + int(digits) if digits.isdigit() else 0
        equals = data.find(b"=", space + 1, stop)
        if not space < stop <= end or data[stop - 1] != 0x0A or equals < 0:
            raise InvalidImage(f"{what}: a PAX record is malformed")
        key = data[space + 1 : equals].decode("utf-8", "surrogateescape")
        value = data[equals + 1 : stop - 1]
        _check_key(key, what, limits)
        if key in (SPARSE_OFFSET, SPARSE_BYTES):
            extents.append(value)
            if len(extents) > 2 * limits.sparse_segments:
                raise LimitExceeded(
                    f"{what}: a sparse map of more than {limits.sparse_segments} extents", "sparse_segments"
                )
        else:
            records[key] = value
        position = stop
    if extents:
        records[SPARSE_MAP] = b",".join(extents)
    return records


def _check_key(key: str, what: str, limits: Limits) -> None:
    for prefix in _XATTR_PREFIXES:
        if key.startswith(prefix):
            name = key[len(prefix) :].encode("utf-8", "surrogateescape")
            if not name or b"\0" in name:
                raise InvalidImage(f"{what}: a PAX record names no extended attribute")
            if len(name) > limits.xattr_name_bytes:
                raise LimitExceeded(f"{what}: an extended attribute's name of {len(name)} bytes", "xattr_name_bytes")


def decimal(records: dict[str, bytes], key: str, what: str, default: int) -> int:
    """A non-negative decimal record, `default` when absent; raises InvalidImage."""
    value = records.get(key)
    if value is None:
        return default
    if not value.isdigit() or len(value) > _NUMBER_DIGITS or int(value) >= 1 << 63:
        raise InvalidImage(f"{what}: PAX record {key} is {value[:40]!r}, no size or number")
    return int(value)


def seconds(records: dict[str, bytes], key: str, what: str, default: int) -> int:
    """A time record's whole seconds (rounded down), `default` when absent; raises InvalidImage."""
    value = records.get(key)
    if value is None:
        return default
    whole, dot, fraction = value.partition(b".")
    digits = whole.removeprefix(b"-")
    if not digits.isdigit() or len(digits) > _NUMBER_DIGITS or (fraction and not fraction.isdigit()):
        raise InvalidImage(f"{what}: PAX record {key} is {value[:40]!r}, no time")
    found = int(whole) - (1 if whole.startswith(b"-") and dot and fraction.strip(b"0") else 0)
    if not -(1 << 63) <= found < 1 << 63:
        raise InvalidImage(f"{what}: PAX record {key} is {value[:40]!r}, out of range")
    return found
