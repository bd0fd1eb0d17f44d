"""Columns for a page: numbers and words of many thousand rows in few bytes, which the page itself unpacks.

The layout, little-endian, deflated with zlib (RFC 1950, what browsers call `deflate`): four bytes that say how long the
directory is; the directory, JSON; then the columns as it lists them, from `offset` after it. A column of numbers of W
bytes each is W planes of one byte each (all lowest bytes first): neighbours are alike, and deflate likes that. Words
are UTF-8 with a line feed between two.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LEVEL = 9
_WIDTHS = (("u1", 1 << 8), ("u2", 1 << 16), ("u4", 1 << 32))


def pack(head: Mapping[str, Any], numbers: Mapping[str, NDArray[Any]], words: Mapping[str, Sequence[str]]) -> bytes:
    """`head` and columns as one deflated blob. Numbers are whole, from 0 to 2**53; no word holds a line feed."""
    directory: dict[str, dict[str, Any]] = {}
    parts: list[bytes] = []
    offset = 0
    for name, values in numbers.items():
        kind = _kind(values)
        part = _planes(values.astype(f"<{kind}"))
        directory[name] = {"type": kind, "offset": offset, "count": len(values)}
        parts.append(part)
        offset += len(part)
    for name, lines in words.items():
        part = "\n".join(lines).encode()
        directory[name] = {"type": "words", "offset": offset, "bytes": len(part), "count": len(lines)}
        parts.append(part)
        offset += len(part)
    told = json.dumps({"head": head, "columns": directory}, separators=(",", ":"), allow_nan=False).encode()
    return zlib.compress(b"".join([len(told).to_bytes(4, "little"), told, *parts]), _LEVEL)


def _kind(values: NDArray[Any]) -> str:
    """The narrowest type that holds every value."""
    largest = int(values.max(initial=0))
    return next((kind for kind, end in _WIDTHS if largest < end), "f8")


def _planes(values: NDArray[Any]) -> bytes:
    width = values.dtype.itemsize
    return np.ascontiguousarray(values).view(np.uint8).reshape(-1, width).T.tobytes()
