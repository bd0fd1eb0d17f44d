"""Damaged GPU libraries: a documented error or an untouched file, or a result that holds; never a crash."""

import hashlib
import random
import struct
import subprocess
import sys

import pytest
from gpu_library import LTO, PTX, container, cubins, element, library

from slimml.errors import Unsupported
from slimml.native.elf_file import open_elf
from slimml.native.fatbin import find_containers
from slimml.native.inspect import inspect_file
from slimml.native.outcome import Left, Shrunk
from slimml.native.select import kept_elements
from slimml.native.trim import trim_file

MUTATIONS = 2500
LOADED_OF_THEM = 25
TARGETS = (90,)
STRANGE = [0, 1, 7, 8, 16, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1]
LOAD = """
import ctypes, struct, sys
library = ctypes.CDLL(sys.argv[1])
wrappers = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(library, "wrappers")), 72)
for _, _, place, _ in struct.iter_unpack("<IIQQ", wrappers):
    print(struct.unpack("<IHHQ", ctypes.string_at(place, 16))[0] == 0xBA55ED50)
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A library with three containers, and where the bytes are that tell of its GPU code."""
    containers = [
        container(*cubins(75, 80, 90, size=12_000)),
        container(element(LTO, 75, 400), *cubins(80, 90, size=16_000), element(PTX, 90, 16_000)),
        container(*cubins(75, 80, 86, size=12_000)),
    ]
    return library(tmp_path_factory.mktemp("gpu") / "libgpu.so", containers)


@pytest.fixture(scope="module")
def telling(original):
    """Offsets of headers of containers and elements, wrappers, relocations, symbols and the ELF tables."""
    content = original.read_bytes()
    offsets = []
    for one in find_containers(content, 0, len(content)).containers:
        offsets += range(one.offset, one.offset + 16)
        offsets += [at for each in one.elements for at in range(each.offset, each.offset + 64)]
    with open_elf(original) as elf:
        for name in (".nvFatBinSegment", ".rela.dyn", ".dynsym", ".symtab", ".dynamic"):
            section = elf.named(name)
            offsets += range(section.offset, section.file_end)
        offsets += range(64 + 56 * elf.header.phnum)
        offsets += range(elf.header.shoff, elf.size)
    return offsets


def mutated(content, telling, chance):
    found = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        at = chance.choice(telling) if chance.random() < 0.9 else chance.randrange(len(found))
        kind = chance.randrange(4)
        if kind == 0:
            found[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            found[at] = chance.randrange(256)
        elif kind == 2 and at // 8 * 8 + 8 <= len(found):
            struct.pack_into("<Q", found, at // 8 * 8, chance.choice(STRANGE))
        else:
            there = chance.choice(telling)
            found[at : at + 8] = found[there : there + len(found[at : at + 8])]
    if chance.random() < 0.03:
        del found[chance.randrange(len(found)) :]
    return bytes(found)


def holds(source, result):
    """Whether the containers of a result are what should have stayed of those of its source."""
    was, now = source.read_bytes(), result.read_bytes()
    with open_elf(source) as old, open_elf(result) as new:
        for name in (".nv_fatbin", "__nv_relfatbin"):
            before, after = old.named(name), new.named(name)
            if (before is None) != (after is None):
                return False
            if before is None or before.size == after.size:
                continue
            kept = [
                kept_elements(one, TARGETS) for one in find_containers(was, before.offset, before.file_end).containers
            ]
            left = [one.elements for one in find_containers(now, after.offset, after.file_end).containers]
            if [[was[one.offset : one.offset + one.bytes] for one in each] for each in kept] != [
                [now[one.offset : one.offset + one.bytes] for one in each] for each in left
            ]:
                return False
    return True


def accounted_for(path):
    """Whether all bytes of a file are told, or the file is refused."""
    try:
        found = inspect_file(path)
    except Unsupported:
        return True
    return sum(one.bytes for one in found.gpu) + sum(one.bytes for one in found.parts) == path.stat().st_size


def loads(path):
    return subprocess.run([sys.executable, "-c", LOAD, path], capture_output=True, text=True, check=False).stdout


def test_damaged_libraries_are_left_or_trimmed_rightly(original, telling, tmp_path):
    content, chance = original.read_bytes(), random.Random(5)
    source, target = tmp_path / "libgpu.so", tmp_path / "trimmed.so"
    trimmed = left = loaded = 0
    for number in range(MUTATIONS):
        damaged = mutated(content, telling, chance)
        source.write_bytes(damaged)
        assert accounted_for(source), number
        outcome = trim_file(source, target, TARGETS, drop_debug=bool(number % 2))
        assert hashlib.sha256(source.read_bytes()).digest() == hashlib.sha256(damaged).digest(), number
        if isinstance(outcome, Left):
            assert outcome.reason, number
            assert sorted(tmp_path.iterdir()) == [source], number
            left += 1
            continue
        assert isinstance(outcome, Shrunk)
        assert outcome.after == target.stat().st_size < len(damaged), number
        assert holds(source, target), number
        if loaded < LOADED_OF_THEM and number % 10 == 0:
            assert loads(target) == loads(source), number
            loaded += 1
        target.unlink()
        trimmed += 1
    assert trimmed > MUTATIONS / 10
    assert left > MUTATIONS / 10
    assert loaded == LOADED_OF_THEM
