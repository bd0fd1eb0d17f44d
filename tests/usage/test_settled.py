"""Uses are told by the image's own paths: links followed, what is missing and what the run made told apart."""

import pytest
from layered_image import file, folder, image_of, symlink

from slimml.inventory.take import take_inventory
from slimml.usage.recording import Operation, Use
from slimml.usage.settled import beneath, settle

OPEN, EXEC, LIST, STAT, READLINK, WRITE, MISSED = Operation


@pytest.fixture(scope="module")
def inventory():
    return take_inventory(
        image_of(
            [
                folder("usr"),
                file("usr/lib/libx.so.1.2"),
                symlink("usr/lib/libx.so.1", "libx.so.1.2"),
                symlink("lib", "usr/lib"),
                symlink("usr/up", "../lib/libx.so.1"),
                symlink("loop", "loop"),
                folder("empty"),
                file("app/main.py"),
                file("caf\udce9/x"),
            ]
        )
    )


def settled(inventory, *uses, resolved=False):
    told = [Use(path, operations, float(number), number) for number, (path, operations) in enumerate(uses)]
    return {use.path: use for use in settle(told, inventory, resolved=resolved)}


def test_links_on_the_way_become_uses_of_their_own(inventory):
    found = settled(inventory, ("lib/libx.so.1", OPEN))
    assert {path: use.operations for path, use in found.items()} == {
        "lib": READLINK,
        "usr/lib/libx.so.1": READLINK,
        "usr/lib/libx.so.1.2": OPEN,
    }


def test_the_path_as_it_was_asked_for_is_kept(inventory):
    found = settled(inventory, ("lib/libx.so.1", OPEN))
    assert found["usr/lib/libx.so.1.2"].requested == "lib/libx.so.1"


def test_a_link_leads_through_parents_and_other_links(inventory):
    assert "usr/lib/libx.so.1.2" in settled(inventory, ("usr/up", OPEN))


def test_reading_a_link_does_not_use_what_it_leads_to(inventory):
    assert settled(inventory, ("usr/lib/libx.so.1", READLINK)).keys() == {"usr/lib/libx.so.1"}


def test_reading_a_link_that_is_none_asks_for_the_file(inventory):
    assert settled(inventory, ("app/main.py", READLINK))["app/main.py"].operations == STAT


def test_a_loop_of_links_comes_to_an_end(inventory):
    assert settled(inventory, ("loop", OPEN))["loop"].operations & READLINK


def test_a_path_above_the_root_stays_in_the_root(inventory):
    assert "app/main.py" in settled(inventory, ("../../app/./main.py", OPEN))


def test_what_the_image_has_not_is_missed(inventory):
    assert settled(inventory, ("app/other.py", OPEN))["app/other.py"].operations == MISSED


def test_a_directory_that_is_opened_is_listed(inventory):
    assert settled(inventory, ("empty", OPEN))["empty"].operations == LIST


def test_a_directory_that_no_entry_tells_of_is_one(inventory):
    assert settled(inventory, ("app", OPEN))["app"].operations == LIST


def test_what_is_made_is_not_missed(inventory):
    assert settled(inventory, ("tmp/new", OPEN | WRITE))["tmp/new"].operations == OPEN | WRITE


def test_what_a_kernel_saw_open_and_the_image_has_not_was_made_by_the_run(inventory):
    found = settled(inventory, ("tmp/new", OPEN), ("app/main.py", OPEN), resolved=True)
    assert (found["tmp/new"].operations, found["app/main.py"].operations) == (OPEN | WRITE, OPEN)


def test_one_path_is_told_once_with_all_that_was_done(inventory):
    found = settled(inventory, ("app/main.py", STAT), ("lib", STAT), ("app/main.py", OPEN))
    assert (found["app/main.py"].operations, found["app/main.py"].order) == (STAT | OPEN, 0)


def test_names_that_are_not_utf8_are_found(inventory):
    assert settled(inventory, ("caf\udce9/x", OPEN))["caf\udce9/x"].operations == OPEN


def test_all_beneath_a_volume_counts_as_used(inventory):
    assert {use.path for use in beneath(["/usr/lib/"], inventory, 1.0, "volume")} == {
        "usr/lib/libx.so.1.2",
        "usr/lib/libx.so.1",
    }
