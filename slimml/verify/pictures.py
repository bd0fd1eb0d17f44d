"""Pictures as what is seen of them: a PNG's pixels, a JPEG without its remarks."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from slimml.verify.values import Value, blob

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEEN = {b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"acTL", b"fcTL", b"fdAT"}
"""the chunks that change what is seen; all others (tIME, tEXt, pHYs, …) do not"""
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_UNFILTERED_BYTES = 8 << 20
"""larger pictures are compared as they were filtered: their pixels are the same then, or both encoders differ"""
_PIXEL_BYTES = 256 << 20
_FILTERS = 5


def read_png(data: bytes) -> Value:
    """A PNG (W3C PNG, third edition): size, kind, pixels, and the chunks that change what is seen."""
    header, packed = b"", []
    others: dict[str, bytes] = {}
    for kind, content in _png_chunks(data):
        if kind == b"IHDR":
            header = content
        elif kind == b"IDAT":
            packed.append(content)
        elif kind in _SEEN:
            name = kind.decode("ascii")
            others[name] = others.get(name, b"") + content
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    depth, color, _, _, interlaced = header[8:13]
    unpacker = zlib.decompressobj()
    pixels = unpacker.decompress(b"".join(packed), _PIXEL_BYTES)
    if not unpacker.eof:
        raise ValueError("a picture that does not end")
    if not interlaced and len(pixels) <= _UNFILTERED_BYTES:
        bits = depth * _CHANNELS[color]
        pixels = _unfiltered(pixels, height, (width * bits + 7) // 8, max(1, bits // 8))
    return {
        "width": width,
        "height": height,
        "depth": depth,
        "color": color,
        "pixels": blob(pixels, "pixels"),
        **{name: blob(content) for name, content in others.items()},
    }


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += length + 12


def _unfiltered(data: bytes, height: int, stride: int, step: int) -> bytes:
    """The pixels behind the filters of the scanlines (section 9.2)."""
    if len(data) != height * (stride + 1):
        raise ValueError("scanlines of another number")
    above, out = bytearray(stride), bytearray()
    for row in range(height):
        start = row * (stride + 1)
        line = bytearray(data[start + 1 : start + 1 + stride])
        _unfilter(data[start], line, above, step)
        out += line
        above = line
    return bytes(out)


def _unfilter(kind: int, line: bytearray, above: bytearray, step: int) -> None:
    if kind >= _FILTERS:
        raise ValueError("no such filter")
    if kind == 0:
        return
    for place in range(len(line)):
        left = line[place - step] if place >= step else 0
        up = above[place]
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            guess = _paeth(left, up, above[place - step] if place >= step else 0)
        line[place] = (line[place] + guess) & 0xFF


def _paeth(left: int, up: int, corner: int) -> int:
    near = left + up - corner
    distances = abs(near - left), abs(near - up), abs(near - corner)
    return (left, up, corner)[distances.index(min(distances))]


def read_jpeg(data: bytes) -> Value:
    """A JPEG (ITU-T T.81, annex B) without its comments and application segments (Exif, thumbnails, profiles)."""
    kept, at = [], 2
    while data[at] == 0xFF and data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4]) + 2
        # COM and APPn, but Adobe's APP14 says how colours are to be read.
        if data[at + 1] != 0xFE and (not 0xE0 <= data[at + 1] <= 0xEF or data[at + 1] == 0xEE):
            kept.append(data[at : at + length])
        at += length
    return blob(b"".join(kept) + data[at:], "pixels")
