"""The strip: what goes, what stays, what is left alone."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_elf import ANSWER, STRIPPED, memory_of, numbers_of, tiny_library

from slimml.native import relayout
from slimml.native.elf_file import SHT_NULL, open_elf
from slimml.native.outcome import Left, Shrunk
from slimml.native.strip import strip_file


@pytest.fixture
def strip(tmp_path):
    """`strip(data)` gives the outcome and the path of the result."""

    def run(data):
        source, target = tmp_path / "library.so", tmp_path / "stripped.so"
        source.write_bytes(data)
        return strip_file(source, target), target

    return run


def sections_of(path):
    with open_elf(path) as elf:
        return [one.name for one in elf.sections if one.type != SHT_NULL]


SHAPES = [
    {},
    {"early": True},
    {"gap": 9000},
    {"filled": b"data"},
    {"gap": 300000, "early": True},
    {"big": 5000, "tail": True},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_stripped_library_loads_and_says_the_same(strip, tmp_path, shape):
    _, target = strip(tiny_library(**shape))
    assert numbers_of(target)[1] == ANSWER
    assert numbers_of(target) == numbers_of(tmp_path / "library.so")


@pytest.mark.parametrize("shape", [*SHAPES, {"machine": 183}, {"machine": 183, "gap": 300000}])
def test_what_only_debuggers_read_goes(strip, shape):
    data = tiny_library(**shape)
    outcome, target = strip(data)
    assert not set(STRIPPED) & set(sections_of(target))
    assert outcome.gone["debug"] == 6144
    assert outcome.gone["comment"] == 128
    assert sum(outcome.gone.values()) == len(data) - target.stat().st_size == outcome.before - outcome.after


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_and_its_addresses_are_the_same(strip, shape):
    data = tiny_library(**shape)
    _, target = strip(data)
    before, after = memory_of(data), memory_of(target.read_bytes())
    assert [one[:2] + one[3:4] for one in before] == [one[:2] + one[3:4] for one in after]
    assert [one[2][400:] for one in before] == [one[2][400:] for one in after]


def test_sections_keep_their_numbers_for_the_symbols(strip, tmp_path):
    _, target = strip(tiny_library(early=True))
    with open_elf(tmp_path / "library.so") as old, open_elf(target) as new:
        numbers = [[index for index, one in enumerate(elf.sections) if one.name == ".data"] for elf in (old, new)]
    assert numbers[0] == numbers[1]


def test_gaps_between_segments_are_squeezed_out(strip):
    outcome, target = strip(tiny_library(gap=300000))
    assert outcome.gone["padding"] > 290000
    assert target.stat().st_size < 10000


def test_a_segment_that_patchelf_filled_goes(strip, tmp_path):
    outcome, target = strip(tiny_library(filled=b"X" * 9000 + bytes(5)))
    assert outcome.gone["padding"] > 9000
    assert len(memory_of(target.read_bytes())) == 2
    assert numbers_of(target) == numbers_of(tmp_path / "library.so")


@pytest.mark.parametrize(
    "content", [bytes(9000), b"Y" * 9000, b"X" * 8000 + b"." + b"X" * 999, b"X" * 8000 + bytes(1000)]
)
def test_a_segment_of_anything_else_stays(strip, content):
    _, target = strip(tiny_library(filled=content))
    assert memory_of(target.read_bytes())[2][2] == content


def test_a_filled_segment_to_which_the_dynamic_section_points_stays(strip):
    _, target = strip(tiny_library(filled=b"X" * 9000, more=((0x6FFFFFFF, 4), (25, 0x6010))))
    assert len(memory_of(target.read_bytes())) == 3


def test_segments_that_shared_no_page_of_the_file_share_none(strip):
    _, target = strip(tiny_library(gap=300000))
    first, second = memory_of(target.read_bytes())
    assert second[4] >= 4096 > len(first[2])


def test_a_stripped_library_is_left(strip, tmp_path):
    _, target = strip(tiny_library())
    assert strip_file(target, tmp_path / "again.so") == Left("nothing in it may go")
    assert not (tmp_path / "again.so").exists()


@given(
    st.fixed_dictionaries(
        {
            "gap": st.sampled_from([0, 1, 4095, 4096, 70000]),
            "early": st.booleans(),
            "big": st.sampled_from([0, 64, 4096, 10001]),
            "tail": st.booleans(),
            "machine": st.sampled_from([62, 183]),
            "order": st.permutations(STRIPPED).map(tuple),
        }
    )
)
def test_a_second_strip_finds_nothing(tmp_path_factory, shape):
    where = tmp_path_factory.mktemp("strip")
    (where / "a").write_bytes(tiny_library(**shape))
    if isinstance(strip_file(where / "a", where / "b"), Shrunk):
        assert strip_file(where / "b", where / "c") == Left("nothing in it may go")


def test_a_file_may_be_stripped_in_its_place(tmp_path):
    path = tmp_path / "library.so"
    path.write_bytes(tiny_library())
    outcome = strip_file(path, path)
    assert path.stat().st_size == outcome.after
    assert os.listdir(tmp_path) == ["library.so"]


RELR = (36, 0x400)
PIE = 0x08000000


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"#!/bin/sh\n" * 50, "not an ELF file"),
        (tiny_library() + b"PK\3\4 an archive", "bytes that no table names after its last part"),
        (tiny_library() + bytes(100000), "bytes that no table names after its last part"),
        (tiny_library(more=(RELR,)), "its relocations are packed (RELR)"),
        (tiny_library(flags_1=PIE), "a static program"),
        (tiny_library(kind=2), "a static program"),
        (tiny_library(kind=1), "neither a shared library nor a program"),
        (tiny_library(kind=4), "neither a shared library nor a program"),
        (tiny_library(gap=9000).replace(bytes(6000), b"x" * 6000, 1), "bytes that no table names between its parts"),
        (tiny_library().replace(b".comment\0", b"pydata\0\0\0"), "its program reads pydata from the file"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_left_with_its_reason(strip, data, reason):
    outcome, target = strip(data)
    assert outcome == Left(reason)
    assert not target.exists()


def test_sections_of_unknown_names_stay(strip):
    _, target = strip(tiny_library().replace(b".debug_info\0", b".somebodys1\0"))
    assert ".somebodys1" in sections_of(target)


def test_a_pointer_to_separate_symbols_stays(strip):
    _, target = strip(tiny_library().replace(b".debug_info\0", b".gnu_debugl\0"))
    assert ".gnu_debugl" in sections_of(target)


def test_old_section_tables_that_patchelf_left_are_padding(strip):
    data = tiny_library(gap=9000)
    old = bytes(128) + b"".join(struct.pack("<IIQQQQIIQQ", n, 1, 2, 0, 64, 8, 0, 0, 8, 0) for n in range(1, 6))
    at = -(-len(memory_of(data)[0][2]) // 8) * 8
    data = data[:at] + old + data[at + len(old) :]
    outcome, _ = strip(data)
    assert isinstance(outcome, Shrunk)


def test_where_the_check_doubts_nothing_is_written(strip, tmp_path, monkeypatch):
    written = relayout._write

    def damaged(elf, out, layout, room, edit):
        written(elf, out, layout, room, edit)
        at = os.pread(out, layout.size, 0).index(struct.pack("<i", ANSWER))
        os.pwrite(out, b"\0", at)

    monkeypatch.setattr(relayout, "_write", damaged)
    outcome, _ = strip(tiny_library())
    assert outcome == Left("the result was not right: bytes of a segment")
    assert os.listdir(tmp_path) == ["library.so"]


def numpys():
    """numpy's own libraries, which auditwheel went over with patchelf."""
    import numpy

    here = Path(numpy.__file__).parent
    return sorted([*here.rglob("*.so"), *here.parent.glob("numpy.libs/*.so*")], key=lambda path: path.stat().st_size)


@pytest.mark.parametrize("path", numpys()[:6], ids=lambda path: path.name.partition(".")[0])
def test_libraries_of_a_real_wheel_keep_their_memory(tmp_path, path):
    target = tmp_path / "stripped.so"
    outcome = strip_file(path, target)
    if isinstance(outcome, Shrunk):
        before, after = memory_of(path.read_bytes()), memory_of(target.read_bytes())
        assert [one[2][4096:] for one in before] == [one[2][4096:] for one in after]
        assert [one[:2] for one in before] == [one[:2] for one in after]
