"""Compression of layers: what comes out is what went in, whatever the framing, and damage is told."""

import gzip
import io
import random

import pytest
import zstandard

from slimml.errors import InvalidImage, LimitExceeded, UsageError
from slimml.oci.codec import BUFFER_BYTES, Decoded, Encoding, compressor, decompressed, parse_encoding
from slimml.oci.limits import Limits
from slimml.oci.media_types import Compression

NOISE = random.Random(7).randbytes(700_000)
TEXT = b"a layer compresses well, " * 40_000
SKIPPABLE = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"


@pytest.mark.parametrize("content", [b"x", NOISE, TEXT])
@pytest.mark.parametrize("compression", list(Compression))
def test_what_is_compressed_comes_back(content, compression):
    level = {Compression.NONE: 0, Compression.GZIP: 6, Compression.ZSTD: 3}[compression]
    packer = compressor(Encoding(compression, level, threads=2))
    packed = packer.compress(content[:1000]) + packer.compress(content[1000:]) + packer.finish()
    assert decompressed(io.BytesIO(packed), compression, "layer").read() == content


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_the_bytes_do_not_depend_on_the_threads(compression):
    def pack(threads):
        packer = compressor(Encoding(compression, 3, threads))
        return b"".join([packer.compress(NOISE + TEXT), packer.compress(TEXT), packer.finish()])

    assert pack(1) == pack(2) == pack(5)


@pytest.mark.parametrize(
    ("packed", "compression", "expected"),
    [
        (gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0), Compression.GZIP, b"onetwo"),
        (
            gzip.compress(b"one", mtime=0) + bytes(1000) + gzip.compress(b"two", mtime=0) + bytes(7),
            Compression.GZIP,
            b"onetwo",
        ),
        (gzip.compress(b"", mtime=0), Compression.GZIP, b""),
        (zstandard.compress(b"one") + zstandard.compress(b"two"), Compression.ZSTD, b"onetwo"),
        (SKIPPABLE + zstandard.compress(b"one") + SKIPPABLE, Compression.ZSTD, b"one"),
    ],
)
def test_members_frames_and_padding_are_read_through(packed, compression, expected):
    assert decompressed(io.BytesIO(packed), compression, "layer").read() == expected


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.ZSTD])
def test_pieces_are_bounded_and_the_input_is_counted(compression):
    packed = gzip.compress(TEXT) if compression is Compression.GZIP else zstandard.compress(TEXT)
    decoded = Decoded(io.BytesIO(packed), compression, "layer")
    assert max(len(piece) for piece in decoded) <= BUFFER_BYTES
    assert (decoded.produced, decoded.consumed) == (len(TEXT), len(packed))


def test_damage_is_told():
    packed = bytearray(gzip.compress(NOISE))
    packed[50_000] ^= 0xFF
    with pytest.raises(InvalidImage, match="damaged"):
        decompressed(io.BytesIO(packed), Compression.GZIP, "layer").read()
    with pytest.raises(InvalidImage, match="damaged"):
        decompressed(io.BytesIO(b"no zstd frame at all"), Compression.ZSTD, "layer").read()


def test_a_layer_past_the_limit_is_refused():
    with pytest.raises(LimitExceeded) as caught:
        decompressed(io.BytesIO(gzip.compress(TEXT)), Compression.GZIP, "layer", Limits(layer_bytes=1000)).read()
    assert caught.value.limit == "layer_bytes"


def test_a_zstd_frame_with_a_huge_window_is_refused():
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27, write_content_size=False)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(NOISE) + packer.flush()
    with pytest.raises(LimitExceeded) as caught:
        decompressed(io.BytesIO(packed), Compression.ZSTD, "layer", Limits(zstd_window_bytes=1 << 20)).read()
    assert caught.value.limit == "zstd_window_bytes"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gzip:4", Encoding(Compression.GZIP, 4)),
        ("zstd", Encoding(Compression.ZSTD, 3)),
        ("zstd:19", Encoding(Compression.ZSTD, 19)),
        ("none", Encoding(Compression.NONE, 0)),
    ],
)
def test_encodings_are_named(text, expected):
    assert parse_encoding(text) == expected


@pytest.mark.parametrize("text", ["lzma", "gzip:13", "zstd:0", "zstd:", "gzip:-1", "gzip:x", ""])
def test_unknown_encodings_are_refused(text):
    with pytest.raises(UsageError):
        parse_encoding(text)
