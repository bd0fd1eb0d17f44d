"""Pages that an edit frees leave the file, addresses stay, and the result can be worked on by other tools."""

import struct

import pytest
from tiny_elf import ANSWER, FIRST, memory_of, numbers_of, tiny_library

from slimml.native import relayout as relayout_module
from slimml.native.elf_file import open_elf
from slimml.native.outcome import Edit, Left, Move, Range, Shrunk
from slimml.native.relayout import relayout
from slimml.native.strip import strip_file

BIG = 600_000
KEPT = 1000


@pytest.fixture
def library(tmp_path):
    """`library(**shape)` writes one with a large section and gives its path and that section."""

    def write(**shape):
        path = tmp_path / "library.so"
        path.write_bytes(tiny_library(big=BIG, **shape))
        with open_elf(path) as elf:
            return path, elf.named(".big")

    return write


def freed(section, kept=KEPT):
    return Edit((Range(section.offset + kept, section.file_end),))


def at_address(path, address, size):
    for start, _, content, *_ in memory_of(path.read_bytes()):
        if start <= address < start + len(content):
            return content[address - start : address - start + size]
    return None


SHAPES = [{}, {"tail": True}, {"early": True}, {"tail": True, "early": True, "gap": 70000}]


@pytest.mark.parametrize("drop", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_library_without_its_freed_pages_loads(library, tmp_path, shape, drop):
    path, big = library(**shape)
    outcome = relayout(path, tmp_path / "out.so", freed(big), drop_symbols=drop)
    assert outcome.gone["freed"] > BIG - KEPT - 3 * 4096
    assert numbers_of(tmp_path / "out.so") == (FIRST, ANSWER)


@pytest.mark.parametrize("shape", [{"machine": 62}, {"machine": 183}, {"machine": 183, "tail": True}])
def test_addresses_of_what_stays_are_the_same(library, tmp_path, shape):
    path, big = library(**shape)
    relayout(path, tmp_path / "out.so", freed(big))
    before, after = memory_of(path.read_bytes()), memory_of((tmp_path / "out.so").read_bytes())
    assert after[-1][:2] == before[-1][:2]
    assert after[-1][2][-64:] == before[-1][2][-64:]
    assert at_address(tmp_path / "out.so", big.addr, KEPT) == at_address(path, big.addr, KEPT)
    assert all((one[0] - one[4]) % {62: 4096, 183: 65536}[shape["machine"]] == 0 for one in after)


def test_what_follows_freed_pages_stays_at_its_address(library, tmp_path):
    path, big = library(tail=True)
    relayout(path, tmp_path / "out.so", freed(big))
    with open_elf(path) as old, open_elf(tmp_path / "out.so") as new:
        assert new.named(".tail").addr == old.named(".tail").addr
        assert new.read(new.named(".tail").offset, 64) == b"tail" * 16
        assert new.named(".big").size == KEPT


def test_room_for_program_headers_is_made_at_their_place(library, tmp_path):
    path, big = library(tail=True)
    relayout(path, tmp_path / "out.so", freed(big))
    with open_elf(tmp_path / "out.so") as new:
        assert new.header.phoff == 64
        assert new.header.phnum == 6
        moved = new.named(".note.gnu.build-id")
        assert big.addr + KEPT <= moved.addr
        assert [one.vaddr for one in new.segments if one.type == 4] == [moved.addr]


def test_moves_and_patches_are_made(library, tmp_path):
    path, big = library(tail=True)
    edit = Edit(
        freed(big).freed,
        (Move(big.offset + 50_000, big.offset + 100, 600),),
        {big.offset + 104: b"new!", big.offset + 4: b"here"},
    )
    relayout(path, tmp_path / "out.so", edit)
    original = at_address(path, big.addr, BIG)
    expected = bytearray(original[:KEPT])
    expected[100:700] = original[50_000:50_600]
    expected[104:108], expected[4:8] = b"new!", b"here"
    assert at_address(tmp_path / "out.so", big.addr, KEPT) == expected


def test_symbols_that_stay_can_be_patched(library, tmp_path):
    path, big = library(tail=True)
    with open_elf(path) as elf:
        symbols = elf.named(".symtab")
    edit = Edit(freed(big).freed, (), {symbols.offset + 32: struct.pack("<Q", big.addr)})
    relayout(path, tmp_path / "out.so", edit, drop_symbols=False)
    with open_elf(tmp_path / "out.so") as new:
        assert new.read(new.named(".symtab").offset + 32, 8) == struct.pack("<Q", big.addr)


def test_few_freed_bytes_are_zeros(library, tmp_path):
    path, big = library()
    outcome = relayout(path, tmp_path / "out.so", freed(big, BIG - 3000))
    assert "freed" not in outcome.gone
    assert numbers_of(tmp_path / "out.so") == (FIRST, ANSWER)
    assert at_address(tmp_path / "out.so", big.addr + BIG - 3000, 3000) == bytes(3000)


def test_a_second_edit_of_the_result_works(library, tmp_path):
    path, big = library(tail=True)
    relayout(path, tmp_path / "one.so", freed(big, 300_000))
    with open_elf(tmp_path / "one.so") as elf:
        smaller = elf.named(".big")
    outcome = relayout(tmp_path / "one.so", tmp_path / "two.so", freed(smaller))
    assert isinstance(outcome, Shrunk)
    assert numbers_of(tmp_path / "two.so") == (FIRST, ANSWER)


def test_a_strip_after_it_finds_nothing(library, tmp_path):
    path, big = library(tail=True)
    relayout(path, tmp_path / "out.so", freed(big))
    assert isinstance(strip_file(tmp_path / "out.so", tmp_path / "again.so"), Left)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda big: Edit((Range(big.offset, big.file_end - 8),)),
        lambda big: Edit((Range(big.offset + 8, big.file_end),), (), {big.offset + 6: b"across"}),
        lambda big: Edit((Range(big.offset + 8, big.file_end),), (Move(big.offset + 50, big.offset + 4, 8),)),
    ],
)
def test_an_edit_that_contradicts_itself_is_an_error(library, tmp_path, wrong):
    path, big = library()
    with pytest.raises(ValueError):
        relayout(path, tmp_path / "out.so", wrong(big))
    assert not (tmp_path / "out.so").exists()


def test_without_the_kernels_copy_the_result_is_the_same(library, tmp_path, monkeypatch):
    path, big = library(tail=True)
    relayout(path, tmp_path / "one.so", freed(big))

    def refused(*_):
        raise OSError(18, "across file systems")

    monkeypatch.setattr(relayout_module.os, "copy_file_range", refused)
    relayout(path, tmp_path / "two.so", freed(big))
    assert (tmp_path / "one.so").read_bytes() == (tmp_path / "two.so").read_bytes()
