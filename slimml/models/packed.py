"""A joblib file compressed as a whole: `joblib.load` tells that from its first bytes and reads the same stream.

Nothing is unpickled. What it saves is disk; an image's layer is compressed already, so a pull gains little, and an
application that maps the file (`mmap_mode`) then reads it into memory.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from slimml.models.unsuitable import Unsuitable

LEVEL = 9
PIECE = 1 << 20
MARK = b"joblib.numpy_pickle"
"""the module of the class by which joblib stores arrays inside a pickle, and which only joblib can load"""
PICKLE = 0x80
"""the first byte of a pickle of protocol 2 or later: the file is not compressed yet"""


def pack(source: Path, target: Path) -> None:
    """Write `source` to `target` as a zlib stream; raises Unsuitable where only pickle may load it."""
    with source.open("rb") as old:
        piece = old.read(PIECE)
        if not piece or piece[0] != PICKLE:
            raise Unsuitable("it is compressed already, or no pickle")
        if MARK not in piece:
            raise Unsuitable("nothing in it says that joblib loads it")
        squeezed = zlib.compressobj(LEVEL)
        with target.open("wb") as new:
            while piece:
                new.write(squeezed.compress(piece))
                piece = old.read(PIECE)
            new.write(squeezed.flush())
