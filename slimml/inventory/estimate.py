"""What each row costs in the compressed blob: read off the decoder where there was one, else estimated from samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slimml.inventory.form import FORMS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_BYTES = 32 * 1024
EVERY_BYTES = 16 << 20
"""of each 16 MiB that many bytes are compressed"""
_MOST_SAMPLES = 512
_HEADER_BYTES = 48
"""what a tar header costs in a gzip stream, measured on Debian and site-packages layers"""
_TRAILER_BYTES = 24
_LEVEL = 6
"""what `docker push` and BuildKit use"""
_PRIOR = 0.4
"""ratio where nothing was sampled: gzip -6 on a Python image"""


class Sampler:
    """Compresses a piece of every 16 MiB that pass, and so learns how well each form compresses."""

    def __init__(self) -> None:
        self._raw = np.zeros(len(FORMS))
        self._packed = np.zeros(len(FORMS))
        self._until = SAMPLE_BYTES
        self._samples = 0

    def offer(self, code: int, content: memoryview) -> None:
        """Content of a file of form `code` passes; some of it is sampled."""
        self._until -= len(content)
        if self._until <= 0 and self._samples < _MOST_SAMPLES:
            self._until = EVERY_BYTES
            self.sample(code, bytes(content[-SAMPLE_BYTES:]))

    def sample(self, code: int, content: bytes) -> None:
        """Compress this content of form `code`."""
        from zlib_ng import zlib_ng

        self._samples += 1
        self._raw[code] += len(content)
        self._packed[code] += len(zlib_ng.compress(content, _LEVEL))

    def estimate(self, codes: NDArray[np.uint8], sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
        """Compressed bytes of each row (header included) and of the trailer."""
        raw, packed = self._raw.sum(), self._packed.sum()
        overall = packed / raw if raw else _PRIOR
        ratios = np.divide(self._packed, self._raw, out=np.full(len(FORMS), overall), where=self._raw > 0)
        return (sizes * np.minimum(ratios, 1.0)[codes]).astype(np.int64) + _HEADER_BYTES, _TRAILER_BYTES


def from_checkpoints(
    checkpoints: tuple[tuple[int, int], ...], boundaries: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """Blob bytes between each two `boundaries` (ascending tar offsets), and after the last of them.

    `checkpoints` are (tar offset, blob offset) pairs of the decoder; between two of them the blob is taken as uniform.
    The results sum to the blob.
    """
    known = np.array(checkpoints, dtype=np.float64)
    at = np.rint(np.interp(boundaries, known[:, 0], known[:, 1])).astype(np.int64)
    at[0] = 0
    return np.diff(at), int(known[-1, 1]) - int(at[-1])
