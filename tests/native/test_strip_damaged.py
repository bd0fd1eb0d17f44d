"""Damaged ELF files: left as they are with a reason, or stripped to something with the same memory; nothing else.

DAMAGED_ELF=2500 tries so many (0 to 2499 by seed); by default fewer.
"""

import os
import random

import pytest
from damaged_elf import damaged_elf
from tiny_elf import memory_of, numbers_of_all, tiny_library

from slimml.native.elf_file import open_elf
from slimml.native.outcome import Edit, Left, Move, Range
from slimml.native.relayout import relayout
from slimml.native.strip import strip_file

TRIED = int(os.environ.get("DAMAGED_ELF", "400"))
BATCHES = 10
SHAPES = [
    {},
    {"early": True},
    {"gap": 9000},
    {"filled": b"X" * 9000},
    {"big": 40000},
    {"big": 40000, "tail": True, "early": True},
]
WHOLE = [tiny_library(**shape) for shape in SHAPES]


def memory_without_headers(data, phnum):
    """What a loader maps, but for the headers (`phnum` of them) and a section table among it."""
    phoff, shoff = (int.from_bytes(data[at : at + 8], "little") for at in (32, 40))
    tables = [(0, 64), (phoff, phoff + 56 * phnum), (shoff, shoff + 64 * 24)]
    found = []
    for address, rights, content, memory, offset in memory_of(data):
        content = bytearray(content)
        for start, end in tables:
            start, end = max(start - offset, 0), min(end - offset, len(content))
            if start < end:
                content[start:end] = bytes(end - start)
        found.append((address, rights, bytes(content), memory))
    return found


def differences(before, after):
    """Segments that are not as they were, where all that may go is patchelf's fill at the end of one."""
    found = []
    kept = {one[0]: one for one in after}
    for address, rights, content, memory in before:
        rest = kept.pop(address, (address, rights, b"", 0))
        size = len(rest[2])
        fill = content[size:].rstrip(b"\0")
        same = rest == (address, rights, content, memory)
        shorter = size == rest[3] and len(content) == memory and rest[1:3] == (rights, content[:size])
        if not same and not (shorter and not fill.strip(b"X") and len(content) - size - len(fill) < 16):
            found.append((address, rest))
    return found + list(kept.items())


def load_as_before(pairs):
    """Files that no longer load as their originals do, which may not load either."""
    found = numbers_of_all([path for pair in pairs for path in pair])
    return [target.name for source, target in pairs if found[source] is not None and found[target] != found[source]]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_damaged_file_is_left_or_keeps_its_memory(tmp_path, batch):
    pairs = []
    for seed in range(batch, TRIED, BATCHES):
        source, target = tmp_path / f"{seed}.so", tmp_path / f"{seed}-stripped.so"
        data = damaged_elf(WHOLE[seed % len(WHOLE)], random.Random(seed))
        source.write_bytes(data)
        outcome = strip_file(source, target)
        assert source.read_bytes() == data, seed
        if isinstance(outcome, Left):
            assert outcome.reason, seed
            assert "\n" not in outcome.reason, seed
            assert not target.exists(), seed
            continue
        result = target.read_bytes()
        assert len(result) == outcome.after < outcome.before == len(data), seed
        phnum = int.from_bytes(data[56:58], "little")
        before, after = memory_without_headers(data, phnum), memory_without_headers(result, phnum)
        assert differences(before, after) == [], seed
        assert isinstance(strip_file(target, tmp_path / "again.so"), Left), seed
        pairs.append((source, target))
    assert load_as_before(pairs) == []
    assert not [path.name for path in tmp_path.iterdir() if path.suffix != ".so"]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_damaged_file_of_which_bytes_are_freed_is_left_or_loads(tmp_path, batch):
    whole = tmp_path / "whole.so"
    whole.write_bytes(tiny_library(big=90000, tail=True))
    with open_elf(whole) as elf:
        big = elf.named(".big")
    edit = Edit((Range(big.offset + 2000, big.file_end),), (Move(big.offset + 4000, big.offset + 400, 600),))
    pairs = []
    for seed in range(batch, TRIED // 2, BATCHES):
        source, target = tmp_path / f"{seed}.so", tmp_path / f"{seed}-trimmed.so"
        source.write_bytes(damaged_elf(whole.read_bytes(), random.Random(seed)))
        try:
            outcome = relayout(source, target, edit)
        except ValueError:
            outcome = Left("the edit is of another file")
        assert target.exists() != isinstance(outcome, Left), seed
        if target.exists():
            pairs.append((source, target))
    assert load_as_before(pairs) == []
