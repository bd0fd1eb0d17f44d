"""Alpine's database of installed packages."""

from collections.abc import Callable

import pytest

INSTALLED = """C:Q1abc=
P:musl
V:1.2.4-r2
A:x86_64
T:the musl c library
D:so:libx.so.1>=1 !uclibc /bin/sh busybox~1.36
p:so:libc.musl-x86_64.so.1=1 cmd:ldd=1.2
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1def=
F:usr
F:usr/bin
R:ldd

P:curl
V:8.5.0-r0
F:usr
F:usr/bin
R:curl
"""
FILES = {"lib/ld-musl-x86_64.so.1": "", "usr/bin/ldd": "", "usr/bin/curl": "", "usr/bin/mine": ""}


def test_listed_files_belong_to_their_package(owned: Callable) -> None:
    root = owned({"lib/apk/db/installed": INSTALLED} | FILES)
    assert [root.of(path) for path in FILES] == ["apk:musl", "apk:musl", "apk:curl", "application"]


def test_a_package_tells_what_it_needs_and_gives(owned: Callable) -> None:
    owner = owned({"lib/apk/db/installed": INSTALLED} | FILES).owner("apk:musl")
    assert (owner.version, owner.summary) == ("1.2.4-r2", "the musl c library")
    assert owner.requires == ("so:libx.so.1", "/bin/sh", "busybox")
    assert owner.provides == ("so:libc.musl-x86_64.so.1", "cmd:ldd")


def test_what_the_world_does_not_name_came_as_a_dependency(owned: Callable) -> None:
    root = owned({"lib/apk/db/installed": INSTALLED, "etc/apk/world": "curl>8\n"} | FILES)
    assert (root.owner("apk:musl").automatic, root.owner("apk:curl").automatic) == (True, False)


def test_the_database_of_a_merged_usr_is_found(owned: Callable, to: Callable) -> None:
    tree = {"lib": to("usr/lib"), "usr/lib/apk/db/installed": INSTALLED, "usr/lib/ld-musl-x86_64.so.1": ""}
    assert owned(tree).of("usr/lib/ld-musl-x86_64.so.1") == "apk:musl"


def test_a_database_that_was_not_kept_makes_system_files_unknown(owned: Callable) -> None:
    assert owned({"lib/apk/db/installed": b"x" * (17 << 20), "usr/bin/ldd": ""}).of("usr/bin/ldd") == "unknown:apk"


@pytest.mark.parametrize("database", ["", "\n\n\n\n", "R:x\nF:", "P:\nV:1", "x", "P:a\nF:\nR:\nD:<>=~ !\np:="])
def test_a_database_of_nonsense_names_no_files(owned: Callable, database: str) -> None:
    assert owned({"lib/apk/db/installed": database, "app/x": ""}).of("app/x") == "application"
