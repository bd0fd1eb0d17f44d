"""Reading what an ELF file needs while it streams past; hostile files say nothing and cost nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slimml.inventory.elf_dynamic import DynamicTaker

LIBC = next(iter(sorted(Path("/usr/lib").glob("*-linux-gnu/libc.so.6"))), None)
needs_libc = pytest.mark.skipif(LIBC is None, reason="no glibc here")


def read(content, piece=1 << 20, known=()):
    taker = DynamicTaker(set(known))
    taker.begin(len(content))
    for start in range(0, len(content), piece):
        taker.data(memoryview(content)[start : start + piece])
    taker.end()
    return taker.found


@needs_libc
@pytest.mark.skipif(shutil.which("readelf") is None, reason="needs binutils")
def test_it_reads_what_readelf_reads():
    told = subprocess.run(["readelf", "-d", LIBC], capture_output=True, text=True, check=True).stdout
    needed = [line.partition("[")[2].rstrip("]") for line in told.splitlines() if "(NEEDED)" in line]
    assert list(read(LIBC.read_bytes()).needed) == needed


@needs_libc
def test_the_size_of_the_pieces_does_not_matter():
    content = LIBC.read_bytes()
    assert read(content, 4093, ["libgcc_s.so.1"]) == read(content, 1 << 24, ["libgcc_s.so.1"])


@needs_libc
def test_names_for_dlopen_are_found():
    assert read(LIBC.read_bytes(), known=["libgcc_s.so.1", "libabsent.so"]).names == {"libgcc_s.so.1"}


def test_what_is_no_elf_file_says_nothing():
    assert read(b"#!/bin/sh\n") is None


@needs_libc
@settings(max_examples=30, deadline=None)
@given(at=st.integers(0, 900), value=st.integers(0, 255), end=st.integers(64, 4000))
def test_damaged_headers_raise_nothing(at, value, end):
    content = bytearray(LIBC.read_bytes()[: 1 << 16])
    content[at] = value
    read(bytes(content[:end]))
