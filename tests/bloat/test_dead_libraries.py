"""Shared libraries that nothing needs or names, and all the ways in which something may."""

from functools import partial

import pytest
from dynamic_elf import elf
from layered_image import file, image_of, symlink

from slimml.bloat.dead_libraries import DeadLibraries
from slimml.bloat.finding import Action
from slimml.inventory.read_rows import read_rows
from slimml.inventory.take import take_inventory

DEAD = "usr/lib/libdead.so.1.2"
HASHED = "app/app.libs/libdead-1a2b3c4d.so.1"


def dead(*items):
    """The paths that the detector finds."""
    inventory = take_inventory(image_of(list(items)))
    found = list(DeadLibraries(partial(read_rows, inventory))(inventory))
    assert all(proposal.action is Action.TELL for proposal in found)
    return {inventory.paths[row] for proposal in found for row in proposal.rows.tolist()}


def test_a_library_that_nothing_names_is_found():
    assert dead(file(DEAD, elf()), file("usr/bin/tool", elf("libother.so"))) == {DEAD}


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(file("usr/bin/tool", elf("libdead.so.1"), mode=0o755), id="a program needs it"),
        pytest.param(file("app/module.so", elf(names=("libdead.so.1.2",))), id="a module names it"),
        pytest.param(file("app/main.py", b"ctypes.CDLL('libdead.so.1')"), id="a module of Python loads it"),
        pytest.param(file("app/main.py", b"find_library('dead')"), id="a module of Python looks for it"),
        pytest.param(file("app/main.py", b"glob('libdead*')"), id="a module of Python lists it"),
        pytest.param(
            file("usr/bin/run", b"#!/bin/sh\nLD_PRELOAD=libdead.so exec $@", mode=0o755), id="a script names it"
        ),
        pytest.param(file("etc/driver.json", b'{"library_path": "libdead.so.1"}'), id="a configuration names it"),
    ],
)
def test_a_library_that_something_names_is_not(item):
    links = [symlink("usr/lib/libdead.so.1", "libdead.so.1.2")]
    assert dead(file(DEAD, elf()), item, *links) == set()


def test_its_own_name_in_its_bytes_does_not_count():
    assert dead(file(DEAD, elf(names=("libdead.so.1.2",)))) == {DEAD}


def test_a_library_with_a_hash_in_its_name_is_known_by_its_old_name():
    assert dead(file(HASHED, elf()), file("app/module.so", elf("libdead-1a2b3c4d.so.1"))) == set()


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/x86_64-linux-gnu/gconv/libJIS.so",
        "usr/lib/libnss_files.so.2",
        "usr/lib/gcc/12/plugin/libcc1plugin.so.0",
        "app/package/module.cpython-311-x86_64-linux-gnu.so",
        "app/package/libmodule.abi3.so",
        "app/package/native.so",
    ],
)
def test_plug_ins_and_modules_are_never_found(path):
    assert dead(file(path, elf())) == set()


def test_an_image_without_libraries_is_not_read():
    def fail(takers):
        raise AssertionError(takers)

    inventory = take_inventory(image_of([file("usr/bin/tool", elf(), mode=0o755)]))
    assert list(DeadLibraries(fail)(inventory)) == []
