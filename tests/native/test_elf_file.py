"""ELF tables: read exactly, or refused with the reason."""

import os
import struct

import pytest
from tiny_elf import tiny_library

from slimml.errors import Unsupported
from slimml.native.elf_file import open_elf, read_at


def write(tmp_path, data):
    path = tmp_path / "library.so"
    path.write_bytes(data)
    return path


def changed(data, form, offset, value):
    found = bytearray(data)
    struct.pack_into("<" + form, found, offset, value)
    return bytes(found)


@pytest.mark.parametrize("shape", [{}, {"early": True}, {"big": 9000, "tail": True}, {"machine": 62}, {"machine": 183}])
def test_tables_pack_to_the_bytes_they_were_read_from(tmp_path, shape):
    data = tiny_library(**shape)
    with open_elf(write(tmp_path, data)) as elf:
        header = elf.header
        assert header.pack() == data[:64]
        segments = b"".join(one.pack() for one in elf.segments)
        sections = b"".join(one.pack() for one in elf.sections)
    assert segments == data[header.phoff : header.phoff + 56 * header.phnum]
    assert sections == data[header.shoff : header.shoff + 64 * header.shnum]


def test_sections_are_found_by_name(tmp_path):
    with open_elf(write(tmp_path, tiny_library())) as elf:
        assert elf.named(".gnu.hash").size == 36
        assert elf.named(".nothing") is None


@pytest.mark.parametrize(
    ("form", "offset", "value", "reason"),
    [
        ("B", 0, 1, "not an ELF file"),
        ("B", 4, 1, "not a 64-bit little-endian ELF file"),
        ("B", 5, 2, "not a 64-bit little-endian ELF file"),
        ("H", 18, 40, "for a machine that slimml does not know (e_machine 40)"),
        ("H", 56, 0, "no program headers: not something that is loaded (an object file, a kernel module)"),
        ("H", 56, 0xFFFF, "its program headers do not lie within the file"),
        ("Q", 32, 1 << 63, "its program headers do not lie within the file"),
        ("H", 60, 0, "no section table, which tells what may go"),
        ("H", 60, 4000, "its section table does not lie within the file"),
        ("Q", 40, 1 << 40, "its section table does not lie within the file"),
        ("H", 62, 0, "its sections have no names"),
        ("Q", 64 + 32, 1 << 40, "segment 0 does not lie within the file"),
        ("Q", 64 + 16, 2**64 - 1, "segment 0 lies at an impossible place"),
    ],
)
def test_a_header_that_cannot_be_is_refused(tmp_path, form, offset, value, reason):
    path = write(tmp_path, changed(tiny_library(), form, offset, value))
    with pytest.raises(Unsupported) as refused, open_elf(path):
        pass
    assert str(refused.value) == reason


@pytest.mark.parametrize("size", [0, 3, 4, 63, 64, 100, 5000])
def test_every_shortened_file_is_refused(tmp_path, size):
    with pytest.raises(Unsupported), open_elf(write(tmp_path, tiny_library()[:size])):
        pass


def test_what_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Unsupported, match="not a regular file"), open_elf(tmp_path / "pipe"):
        pass


def test_reading_past_the_end_is_refused(tmp_path):
    with write(tmp_path, b"abc").open("rb") as file, pytest.raises(Unsupported, match="ends at byte 3"):
        read_at(file.fileno(), 1, 5)
