"""Sparse maps: which extents of a file a tar stores (GNU tar manual, "Storing Sparse Files"); checked, not expanded."""

from itertools import pairwise

from slimml.errors import InvalidImage, LimitExceeded
from slimml.oci.limits import Limits
from slimml.oci.tar.header import BLOCK, number, padding

_DIGITS = 20
HEADER_EXTENTS = slice(386, 386 + 4 * 24)
EXTENSION_EXTENTS = slice(0, 21 * 24)
HEADER_EXTENDED = 482
EXTENSION_EXTENDED = 504
_REAL_SIZE = slice(483, 495)


def old_extents(block: memoryview, span: slice) -> list[tuple[int, int]]:
    """Extents in an old GNU sparse header or extension block; raises ValueError."""
    raw = bytes(block[span])
    found = []
    for start in range(0, len(raw), 24):
        if raw[start] == 0:
            break
        found.append((number(raw[start : start + 12]), number(raw[start + 12 : start + 24])))
    return found


def real_size(block: memoryview) -> int:
    """The real size in an old GNU sparse header; raises ValueError."""
    found = number(bytes(block[_REAL_SIZE]))
    if found < 0:
        raise ValueError(found)
    return found


def parse_text_map(text: bytes, what: str, limits: Limits) -> list[tuple[int, int]]:
    """The comma separated map of formats 0.0 and 0.1; raises InvalidImage, LimitExceeded."""
    if text.count(b",") >= 2 * limits.sparse_segments:
        raise LimitExceeded(f"{what}: a sparse map of more than {limits.sparse_segments} extents", "sparse_segments")
    numbers = text.split(b",") if text else []
    if len(numbers) % 2 or not all(_is_number(item) for item in numbers):
        raise InvalidImage(f"{what}: its sparse map is malformed")
    values = [int(item) for item in numbers]
    return list(zip(values[::2], values[1::2], strict=True))


def check_map(extents: list[tuple[int, int]], real_size: int, stored: int, what: str) -> None:
    """Extents ascend, do not overlap, lie within the real size and add up to what is stored; raises InvalidImage."""
    inside = all(offset >= 0 and size >= 0 and offset + size <= real_size for offset, size in extents)
    ordered = all(a + size <= b for (a, size), (b, _) in pairwise(extents))
    if not inside or not ordered or sum(size for _, size in extents) != stored:
        raise InvalidImage(f"{what}: its sparse map contradicts its size")


class DataMap:
    """Reads the map that format 1.0 puts before the content: a count, then offset and size, one number a line."""

    def __init__(self, real_size: int, stored: int, what: str, limits: Limits) -> None:
        self._real_size, self._stored, self._what, self._limits = real_size, stored, what, limits
        self._text = b""
        self.complete = False

    def feed(self, piece: memoryview) -> None:
        """More of the stored content; raises InvalidImage, LimitExceeded as soon as the map is wrong."""
        if self.complete:
            return
        self._text += bytes(piece[: self._limits.header_bytes + BLOCK])
        head, newline, _ = self._text.partition(b"\n")
        if not newline and len(head) <= _DIGITS:
            return
        if not _is_number(head):
            raise InvalidImage(f"{self._what}: its sparse map is malformed")
        count = int(head)
        if count > self._limits.sparse_segments:
            raise LimitExceeded(f"{self._what}: a sparse map of {count} extents", "sparse_segments")
        lines = self._text.split(b"\n", 2 * count + 1)
        if len(lines) < 2 * count + 2:
            if len(self._text) > self._limits.header_bytes:
                raise LimitExceeded(
                    f"{self._what}: a sparse map of over {self._limits.header_bytes} bytes", "header_bytes"
                )
            return
        used = len(self._text) - len(lines[-1])
        extents = parse_text_map(b",".join(lines[1:-1]), self._what, self._limits)
        check_map(extents, self._real_size, self._stored - used - padding(used), self._what)
        self.complete = True
        self._text = b""

    def finish(self) -> None:
        """The content ended; raises InvalidImage if the map did not."""
        if not self.complete:
            raise InvalidImage(f"{self._what}: its sparse map is cut off")


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _DIGITS and int(text) < 1 << 63
