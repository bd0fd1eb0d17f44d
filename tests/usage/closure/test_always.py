"""What a container needs whether it was seen or not, what a file cannot be without, and directories."""

import pytest
from layered_image import hardlink

from slimml.usage.closure_result import Depth
from slimml.usage.recording import Operation, Use


@pytest.mark.parametrize(
    "path",
    [
        *("etc/passwd", "etc/group", "etc/nsswitch.conf", "etc/hosts", "etc/services", "etc/ld.so.cache"),
        *("etc/ld.so.conf.d/libc.conf", "etc/ssl/certs/ca.pem", "usr/share/zoneinfo/Europe/Paris", "etc/localtime"),
        *("usr/lib/locale/C.utf8/LC_CTYPE", "etc/mime.types", "etc/os-release", "var/lib/dpkg/status"),
    ],
)
def test_it_is_kept_used_or_not(closed, make, path):
    package = make.debian(basics=("", [make.file(path)])) if path != "var/lib/dpkg/status" else make.debian()
    assert path in closed([*package, make.file("app/a")], "app/a").paths


@pytest.mark.parametrize("name", ["coreutils", "dash", "ca_certificates", "tzdata", "netbase", "media_types"])
def test_packages_that_every_container_needs_are_kept(closed, make, name):
    items = make.debian(
        **{name: ("", [make.file("usr/share/some/thing")]), "other": ("", [make.file("usr/bin/other")])}
    )
    assert closed([*items, make.file("app/a")], "app/a").dropped == {"dpkg:other"}


def test_at_the_strict_depth_only_what_engines_and_the_loader_read(closed, make):
    items = [make.file("etc/passwd"), make.file("etc/ssl/certs/ca.pem"), make.file("a")]
    assert closed(items, "a", depth=Depth.STRICT).paths == {"etc/passwd", "a"}


def test_an_opened_package_is_kept_whole_but_for_its_documentation(closed, make):
    files = [make.file("usr/bin/one"), make.file("usr/lib/one/two"), make.file("usr/share/man/man1/one.1.gz")]
    files.append(make.file("usr/share/doc/one/copyright"))
    found = closed(make.debian(one=("", files)), "usr/bin/one").paths
    assert {"usr/lib/one/two", "usr/share/doc/one/copyright", "var/lib/dpkg/info/one.list"} <= found
    assert "usr/share/man/man1/one.1.gz" not in found


def test_of_what_a_package_depends_on_data_is_kept_and_programs_are_not(closed, make):
    items = make.debian(
        one=("one-data, perl", [make.file("usr/bin/one")]),
        one_data=("", [make.file("usr/share/one/table")]),
        perl=("", [make.file("usr/bin/perl", make.elf())]),
    )
    assert closed(items, "usr/bin/one").dropped == {"dpkg:perl"}


def test_unknown_packages_stay_with_a_note(closed, make):
    items = [make.file("var/lib/rpm/rpmdb.sqlite", b"damaged"), make.file("usr/bin/thing"), make.file("app/a")]
    found = closed(items, "app/a")
    assert "usr/bin/thing" in found.paths
    assert any("could not be read" in note for note in found.closure.notes)


def test_bytecode_keeps_its_source_at_every_depth(closed, make):
    items = make.python("one", {"one.py": b"", "__pycache__/one.cpython-311.pyc": b"\0\0\r\n"})
    found = closed(items, f"{make.site}/__pycache__/one.cpython-311.pyc", depth=Depth.STRICT)
    assert f"{make.site}/one.py" in found.paths


def test_a_source_keeps_its_bytecode(closed, make):
    items = make.python("one", {"one.py": b"", "__pycache__/one.cpython-311.pyc": b"\0\0\r\n"})
    found = closed(items, f"{make.site}/one.py", depth=Depth.MODULE)
    assert f"{make.site}/__pycache__/one.cpython-311.pyc" in found.paths


def test_links_on_the_way_and_the_path_as_it_was_named_are_kept(closed, make):
    items = [make.symlink("data", "srv/data"), make.file("srv/data/x"), make.symlink("srv/data/y", "x")]
    use = Use("srv/data/x", Operation.OPEN, 0.0, 0, requested="data/y")
    assert closed(items, use, depth=Depth.STRICT).paths == {"data", "srv/data/x", "srv/data/y"}


def test_a_hard_link_keeps_the_entry_that_has_its_content(closed, make):
    items = [make.file("usr/bin/perl"), hardlink("usr/bin/perl5", "usr/bin/perl")]
    assert closed(items, "usr/bin/perl5", depth=Depth.STRICT).paths == {"usr/bin/perl", "usr/bin/perl5"}


def test_a_link_of_nobody_goes_with_what_it_leads_to(closed, make):
    items = [
        *make.debian(gone=("", [make.file("usr/bin/gone")]), stays=("", [make.file("usr/bin/stays")])),
        make.symlink("opt/to-gone", "/usr/bin/gone"),
        make.symlink("opt/to-stays", "../usr/bin/stays"),
        make.symlink("etc/mtab", "../proc/self/mounts"),
    ]
    found = closed(items, "usr/bin/stays").paths
    assert {"opt/to-stays", "etc/mtab"} <= found
    assert "opt/to-gone" not in found


def test_links_in_a_circle_end(closed, make):
    assert closed([make.symlink("a", "b"), make.symlink("b", "a"), make.file("c")], "a", "c").paths >= {"c"}


@pytest.mark.parametrize("depth", Depth)
def test_directories_to_write_into_and_parents_are_kept(closed, make, depth):
    items = [
        make.folder("tmp", mode=0o1777),
        make.folder("home/app", uid=1000),
        make.folder("app"),
        make.folder("app/deep"),
        make.file("app/deep/a"),
        make.folder("proc"),
    ]
    found = closed(items, "app/deep/a", depth=depth).paths
    assert {"tmp", "home/app", "app", "app/deep", "proc"} <= found


def test_a_directory_of_a_dropped_package_is_not_left_behind(closed, make):
    items = [*make.debian(gone=("", [make.file("usr/lib/gone/x")])), make.folder("usr/lib/gone"), make.file("a")]
    assert "usr/lib/gone" not in closed(items, "a").paths


def test_entries_of_a_directory_that_was_listed_are_kept(closed, make):
    items = [*make.debian(fonts=("", [make.file("usr/share/fonts/a.ttf")])), make.folder("usr/share/fonts")]
    listed = make.used("usr/share/fonts", how=Operation.LIST)
    assert "usr/share/fonts/a.ttf" in closed(items, *listed).paths
    assert "usr/share/fonts/a.ttf" not in closed(items, *listed, depth=Depth.MODULE).paths


def test_listing_the_directory_of_all_programs_keeps_none(closed, make):
    items = [*make.debian(tool=("", [make.file("usr/bin/tool")])), make.folder("usr/bin"), make.file("a")]
    assert closed(items, "a", *make.used("usr/bin", how=Operation.LIST)).dropped == {"dpkg:tool"}


def test_the_environment_of_a_kept_interpreter_is_told(closed, make):
    items = [
        make.symlink("venv/bin/python", "/usr/bin/python3"),
        make.file("usr/bin/python3"),
        make.file("venv/pyvenv.cfg"),
    ]
    use = Use("usr/bin/python3", Operation.EXEC, 0.0, 0, requested="venv/bin/python")
    assert "venv/pyvenv.cfg" in closed(items, use, depth=Depth.STRICT).paths


@pytest.mark.parametrize("landmark", ["os.py", "os.pyc", "lib-dynload"])
def test_what_an_interpreter_knows_its_standard_library_by_is_kept(closed, make, landmark):
    library = "usr/lib/python3.11"
    items = [
        make.folder(f"{library}/{landmark}") if landmark == "lib-dynload" else make.file(f"{library}/{landmark}"),
        make.file(f"{library}/encodings/__pycache__/utf_8.cpython-311.pyc"),
        make.file(f"{library}/encodings/utf_8.py"),
    ]
    assert f"{library}/{landmark}" in closed(items, f"{library}/encodings/utf_8.py", depth=Depth.STRICT).paths


def test_the_standard_library_of_an_interpreter_that_nobody_used_has_no_landmark(closed, make):
    items = [make.file("usr/lib/python3.12/os.py"), make.file("a")]
    assert "usr/lib/python3.12/os.py" not in closed(items, "a", depth=Depth.STRICT).paths


@pytest.mark.parametrize("depth", Depth)
def test_the_names_of_a_kept_program_are_kept_whoever_brought_them(closed, make, depth):
    items = make.debian(
        python311=("", [make.file("usr/bin/python3.11", make.elf(), mode=0o755)]),
        python3=("", [make.symlink("usr/bin/python3", "python3.11")]),
    )
    assert "usr/bin/python3" in closed(items, "usr/bin/python3.11", depth=depth).paths


def test_the_link_to_a_library_that_a_development_package_brought_is_not(closed, make):
    items = make.debian(
        libx=("", [make.file("usr/lib/libx.so.1", make.elf())]),
        libx_dev=("", [make.symlink("usr/lib/libx.so", "libx.so.1"), make.file("usr/lib/x-build.a")]),
    )
    assert closed(items, "usr/lib/libx.so.1").dropped == {"dpkg:libx-dev"}


@pytest.mark.parametrize("depth", Depth)
def test_a_package_that_the_status_still_tells_of_keeps_its_list(closed, make, depth):
    items = make.debian(
        dpkg=("", [make.file("usr/bin/dpkg", make.elf()), make.file("var/lib/dpkg/arch")]),
        used=("", [make.file("usr/bin/used", make.elf())]),
    )
    found = closed(items, "usr/bin/used", depth=depth)
    assert found.dropped == set()
    assert {"var/lib/dpkg/info/dpkg.list", "var/lib/dpkg/info/used.list"} <= found.paths
    assert "usr/bin/dpkg" not in found.paths
