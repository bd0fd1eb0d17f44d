"""Header records that speak about the next entry: GNU long names, PAX records, sparse maps; bounded, then applied."""

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.limits import Limits
from slimml.oci.tar import pax, sparse
from slimml.oci.tar.header import RawHeader

TYPES = frozenset((b"x", b"X", b"g", b"L", b"K"))
_NOT_GLOBAL = ("path", "linkpath", "size")
_CHAIN = 4
"""how many records of the largest size may stand before one entry"""


class Extensions:
    """What was said about the next entry. `start` is where the first record began in the tar, None without one."""

    def __init__(self, what: str, limits: Limits) -> None:
        self._what, self._limits = what, limits
        self._global: dict[str, bytes] = {}
        self._local: dict[str, bytes] = {}
        self._long_name: bytes | None = None
        self._long_link: bytes | None = None
        self._kind = b""
        self._data = bytearray()
        self.start: int | None = None
        self.any = False
        """whether there is something to apply"""

    @property
    def hanging(self) -> bool:
        """Whether records were read that no entry followed."""
        return bool(self._local) or self._long_name is not None or self._long_link is not None

    def begin(self, kind: bytes, size: int, offset: int) -> None:
        """A record of `size` bytes follows; its header stands at `offset` of the tar. Raises LimitExceeded."""
        if size > self._limits.header_bytes:
            raise LimitExceeded(f"{self._what}: a header record of {size} bytes", "header_bytes")
        if self.start is None:
            self.start = offset
        elif offset - self.start > _CHAIN * self._limits.header_bytes:
            raise LimitExceeded(f"{self._what}: the header records of one entry add up", "header_bytes")
        self._kind, self._data, self.any = kind, bytearray(), True

    def collect(self, piece: memoryview) -> None:
        """More of the record's content."""
        self._data += piece

    def end(self) -> None:
        """The record is complete; raises InvalidImage, LimitExceeded for what it says."""
        data, self._data = bytes(self._data), bytearray()
        if self._kind == b"L":
            self._long_name = data.partition(b"\0")[0]
        elif self._kind == b"K":
            self._long_link = data.partition(b"\0")[0]
        elif self._kind == b"g":
            self._globalize(pax.parse_records(data, self._what, self._limits))
        else:
            self._local |= pax.parse_records(data, self._what, self._limits)

    def _globalize(self, records: dict[str, bytes]) -> None:
        # A name or a size for every later entry makes no sense and would hide content.
        kept = {key: value for key, value in records.items() if key not in _NOT_GLOBAL and not key.startswith("GNU.")}
        self._global |= kept
        if sum(len(key) + len(value) for key, value in self._global.items()) > self._limits.header_bytes:
            raise LimitExceeded(f"{self._what}: global header records add up", "header_bytes")

    def apply(self, raw: RawHeader) -> tuple[RawHeader, sparse.DataMap | None, dict[str, bytes] | None]:
        """The next entry's header as the records change it, the map its content begins with, the PAX records.

        A size in a PAX record counts for this entry only, never for the records between [attack case 12].
        """
        records = self._global | self._local
        name = raw.name if self._long_name is None else self._long_name
        link = raw.link if self._long_link is None else self._long_link
        self._local, self._long_name, self._long_link, self.start = {}, None, None, None
        self.any = bool(self._global)
        if not records:
            return raw._replace(name=name, link=link), None, None
        name = self._text(records, "GNU.sparse.name", self._text(records, "path", name))
        link = self._text(records, "linkpath", link)
        size = pax.decimal(records, "size", self._what, raw.size)
        real_size, data_map = self._sparse(records, size, name)
        changed = raw._replace(
            name=name,
            link=link,
            size=size,
            real_size=real_size,
            uid=pax.decimal(records, "uid", self._what, raw.uid),
            gid=pax.decimal(records, "gid", self._what, raw.gid),
            mtime=pax.seconds(records, "mtime", self._what, raw.mtime),
        )
        return changed, data_map, records

    def _text(self, records: dict[str, bytes], key: str, default: bytes) -> bytes:
        value = records.get(key, default)
        if b"\0" in value:
            raise InvalidImage(f"{self._what}: a NUL inside the PAX record {key}, {value[:80]!r}")
        return value

    def _sparse(self, records: dict[str, bytes], size: int, name: bytes) -> tuple[int, sparse.DataMap | None]:
        what = f"{self._what}: {name[:80]!r}"
        real = pax.decimal(records, "GNU.sparse.realsize", what, pax.decimal(records, "GNU.sparse.size", what, -1))
        if records.get("GNU.sparse.major") == b"1":
            if real < 0:
                raise InvalidImage(f"{what} is sparse without a real size")
            return real, sparse.DataMap(real, size, what, self._limits)
        if pax.SPARSE_MAP in records:
            extents = sparse.parse_text_map(records[pax.SPARSE_MAP], what, self._limits)
            real = size if real < 0 else real
            sparse.check_map(extents, real, size, what)
            return real, None
        return size, None


class OldSparse:
    """An old GNU sparse header and the extension blocks after it (GNU tar manual, "Old GNU Format")."""

    def __init__(self, raw: RawHeader, block: memoryview, offset: int, what: str, limits: Limits) -> None:
        self.raw = raw._replace(kind=b"0", real_size=sparse.real_size(block))
        self.offset = offset
        self._what, self._limits = what, limits
        self._extents = sparse.old_extents(block, sparse.HEADER_EXTENTS)
        self.complete = not block[sparse.HEADER_EXTENDED]
        self._check()

    def feed(self, block: memoryview) -> None:
        """The next extension block; raises ValueError, InvalidImage, LimitExceeded."""
        self._extents += sparse.old_extents(block, sparse.EXTENSION_EXTENTS)
        self.complete = not block[sparse.EXTENSION_EXTENDED]
        self._check()

    def _check(self) -> None:
        what = f"{self._what}: {self.raw.name[:80]!r}"
        if len(self._extents) > self._limits.sparse_segments:
            raise LimitExceeded(
                f"{what} has a sparse map of over {self._limits.sparse_segments} extents", "sparse_segments"
            )
        if self.complete:
            sparse.check_map(self._extents, self.raw.real_size, self.raw.size, what)
