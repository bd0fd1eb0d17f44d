"""Parallel gzip: one output for any number of threads and any cut of the input, readable by everybody's gzip."""

import gzip
import random
import shutil
import subprocess

import pytest

from slimml.oci.gzip_blocks import BLOCK_BYTES, GzipBlocks

_DATA = random.Random(3).randbytes(1 << 16) * ((2 * BLOCK_BYTES + 12345) >> 16) + b"tail"


def packed(data, threads, cut):
    compressor = GzipBlocks(6, threads)
    out = [compressor.compress(data[start : start + cut]) for start in range(0, len(data), cut)]
    return b"".join([*out, compressor.finish()])


@pytest.mark.parametrize("cut", [1 << 16, 1 << 20, 999_983, 3 * BLOCK_BYTES])
def test_neither_threads_nor_cuts_change_the_bytes(cut):
    assert packed(_DATA, 2, cut) == packed(_DATA, 1, len(_DATA))


def test_what_went_in_comes_out():
    assert gzip.decompress(packed(_DATA, 2, 1 << 20)) == _DATA


def test_an_empty_stream_is_an_empty_gzip_file():
    assert gzip.decompress(packed(b"", 2, 1)) == b""


@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs the gzip program")
def test_the_gzip_program_reads_it():
    found = subprocess.run(["gzip", "-dc"], input=packed(_DATA, 2, 1 << 20), capture_output=True, check=True)
    assert found.stdout == _DATA
