"""Which rights a program used, from its recording and the image's files."""

import pytest
from layered_image import file, folder, image_of
from used_image import recording_of

from slimml.inventory.take import take_inventory
from slimml.usage.recording import Operation
from slimml.usage.rights import rights_used


@pytest.fixture
def inventory():
    items = [
        file("usr/bin/su", mode=0o4755),
        file("usr/bin/mount", mode=0o4755),
        file("usr/bin/wall", mode=0o2755),
        file("usr/bin/env", mode=0o755),
        folder("tmp", mode=0o1777),
        folder("srv", uid=1000),
        folder("usr/share/models"),
        folder("home/app", uid=1000),
    ]
    return take_inventory(image_of(items))


def used(inventory, operations, *paths, **more):
    return rights_used(inventory, recording_of(inventory, *paths, operations=operations, **more))


def test_setuid_programs_are_told_by_whether_they_were_executed(inventory):
    rights = used(inventory, Operation.EXEC, "usr/bin/su", "usr/bin/env")
    assert rights.used_setuid == ("usr/bin/su",)
    assert rights.unused_setuid == ("usr/bin/mount", "usr/bin/wall")


def test_opening_a_setuid_program_is_not_executing_it(inventory):
    assert "usr/bin/su" in used(inventory, Operation.OPEN, "usr/bin/su").unused_setuid


@pytest.mark.parametrize(("users", "said"), [((0, 1000), True), ((1000,), False), ((), None)])
def test_root_is_used_unused_or_not_known(inventory, users, said):
    assert used(inventory, Operation.OPEN, users=users).as_root is said


def test_writing_in_own_directories_is_nothing_to_remark_on(inventory):
    rights = used(inventory, Operation.WRITE, "srv/new/log", "tmp/x", "home/app/.cache/a", "run/pid", users=(1000,))
    assert rights.written == ("home/app", "run", "srv", "tmp")
    assert rights.outside == ()


def test_writing_elsewhere_is_told(inventory):
    rights = used(inventory, Operation.WRITE, "usr/share/models/cache.bin", "srv/log", users=(33,))
    assert rights.outside == ("srv", "usr/share/models")
