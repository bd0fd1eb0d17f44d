"""What files take compressed, measured on samples of the spool: where an engine keeps no blobs, kinds are all that is
known of them, and that is not enough to balance layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slimml.oci.codec import Encoding, compressor
from slimml.oci.limits import KIB
from slimml.oci.media_types import Compression

if TYPE_CHECKING:
    from slimml.slim.layout.root import Root
    from slimml.slim.layout.spool import Spool

_BLOCK = 256 * KIB
_SAMPLE = 64 * KIB
_EVERY = 512 * KIB
_QUICK = Encoding(Compression.GZIP, 1, 1)


def measured_weights(spool: Spool, root: Root) -> dict[int, int]:
    """Compressed bytes of the files whose content is in the spool, by their rows.

    Of large files a block in eight is compressed, small ones are together, in the order of their paths.
    """
    found: dict[int, int] = {}
    gathered: list[bytes] = []
    filled = 0
    rows: list[tuple[int, int]] = []
    for path in sorted(root):
        node = root[path]
        if node.place < 0 or not node.size or node.row in found:
            continue
        if node.size > _BLOCK:
            found[node.row] = _sampled(spool, node.place, node.size)
            continue
        found[node.row] = 0
        rows.append((node.row, node.size))
        gathered += spool.pieces(node.place, node.size)
        filled += node.size
        if filled >= _BLOCK:
            _divide(gathered, rows, found)
            gathered, rows, filled = [], [], 0
    _divide(gathered, rows, found)
    return found


def _sampled(spool: Spool, place: int, size: int) -> int:
    taken = packed = 0
    for start in range(0, size, _EVERY):
        sample = b"".join(spool.pieces(place + start, min(_SAMPLE, size - start)))
        taken += len(sample)
        packed += _packed(sample)
    return packed * size // taken


def _divide(gathered: list[bytes], rows: list[tuple[int, int]], found: dict[int, int]) -> None:
    total = sum(map(len, gathered))
    packed = _packed(b"".join(gathered)) if total else 0
    for row, size in rows:
        found[row] = packed * size // total


def _packed(data: bytes) -> int:
    packing = compressor(_QUICK)
    return len(packing.compress(data)) + len(packing.finish())
