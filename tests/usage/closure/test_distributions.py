"""Python distributions: what is required, named or offered is kept; what is dropped goes with its metadata."""

import posixpath

import pytest

from slimml.usage.closure_result import Depth
from slimml.usage.recording import Operation


def two(make, *requires, other="other", **more):
    """A distribution that requires these, and another one."""
    module = other.replace("-", "_")
    return [
        *make.python("first", {"first/__init__.py": b"", "first/later.py": b""}, requires=requires, **more),
        *make.python(other, {f"{module}/__init__.py": b""}),
    ]


def test_a_distribution_is_kept_whole_but_for_its_tests(closed, make):
    modules = {"first/__init__.py": b"", "first/deep/a.py": b"", "first/tests/test_a.py": b"", "first/data.bin": b"1"}
    found = closed(make.python("first", modules), f"{make.site}/first/__init__.py").paths
    assert {f"{make.site}/first/deep/a.py", f"{make.site}/first/data.bin"} <= found
    assert not any("/tests" in path for path in found)


@pytest.mark.parametrize("depth", Depth)
def test_a_distribution_of_which_a_module_stays_is_told_to_scanners(closed, make, depth):
    items = make.python("first", {"first/__init__.py": b"", "first/later.py": b""})
    found = closed(items, f"{make.site}/first/__init__.py", depth=depth).paths
    assert {f"{make.site}/first-1.0.dist-info/{name}" for name in ("METADATA", "RECORD", "INSTALLER")} <= found


def test_the_distribution_that_a_kept_one_requires_is_kept(closed, make):
    assert closed(two(make, "Other>=1"), f"{make.site}/first/__init__.py").dropped == set()


@pytest.mark.parametrize(
    "requirement", ['other; sys_platform == "win32"', 'other; python_version < "3"', 'other; extra == "dev"']
)
def test_a_requirement_whose_marker_does_not_hold_keeps_nothing(closed, make, requirement):
    assert closed(two(make, requirement), f"{make.site}/first/__init__.py").dropped == {"python:other"}


def test_a_requirement_of_an_extra_counts_when_somebody_asks_for_the_extra(closed, make):
    items = [
        *two(make, 'other; extra == "fast"'),
        *make.python("asking", {"asking.py": b""}, requires=("first[fast]",)),
    ]
    assert closed(items, f"{make.site}/asking.py").dropped == set()


def test_extras_in_the_applications_list_of_requirements_count(closed, make):
    items = [*two(make, 'other; extra == "fast"'), make.file("app/requirements.txt", b"first[fast]==1.0\n")]
    assert closed(items, f"{make.site}/first/__init__.py").dropped == set()


def test_a_distribution_with_entry_points_for_a_kept_one_is_kept(closed, make):
    items = two(make)
    items.append(make.file(f"{make.site}/other-1.0.dist-info/entry_points.txt", b"[first.backends]\nx = other\n"))
    assert closed(items, f"{make.site}/first/__init__.py").dropped == set()


def test_plugins_for_developers_tools_keep_nothing(closed, make):
    items = two(make)
    items.append(make.file(f"{make.site}/other-1.0.dist-info/entry_points.txt", b"[console_scripts]\nfirst = other\n"))
    assert closed(items, f"{make.site}/first/__init__.py").dropped == {"python:other"}


def test_reading_the_metadata_of_all_distributions_uses_none(closed, make):
    items = two(make)
    info = [f"{make.site}/{name}-1.0.dist-info/METADATA" for name in ("first", "other")]
    found = closed(items, *info)
    assert found.dropped == {"python:first", "python:other"}
    assert not any("dist-info" in path for path in found.paths)


def test_asking_for_the_metadata_of_one_distribution_uses_it(closed, make):
    found = closed([*two(make), *make.python("third", {"t.py": b""})], f"{make.site}/other-1.0.dist-info/METADATA")
    assert found.dropped == {"python:first", "python:third"}


def test_the_directories_of_a_dropped_distribution_go_even_if_they_were_looked_at_or_are_the_users(closed, make):
    items = [
        *make.python("other", {"other/__init__.py": b""}),
        make.folder(f"{make.site}/other", uid=1000),
        make.file("app/a.py"),
    ]
    found = closed(items, *make.used(f"{make.site}/other", how=Operation.STAT | Operation.LIST))
    assert f"{make.site}/other" not in found.paths


def test_what_python_reads_at_every_start_uses_nothing(closed, make):
    modules = {
        "distutils-precedence.pth": b"import os",
        "_distutils_hack/__init__.py": b"",
        "setuptools/__init__.py": b"",
    }
    items = make.python("setuptools", modules)
    found = closed(items, f"{make.site}/distutils-precedence.pth", f"{make.site}/_distutils_hack/__init__.py")
    assert found.dropped == {"python:setuptools"}
    assert not any("distutils" in path for path in found.paths)


def test_a_distribution_without_files_of_its_own_is_an_editable_install_and_stays(closed, make):
    items = [*make.python("ours", {"__editable__.ours.pth": b"/app"}), make.file("app/ours/__init__.py")]
    assert closed(items, "app/ours/__init__.py").dropped == set()


def test_metadata_is_kept_with_what_it_tells_of(closed, make):
    found = closed(two(make), f"{make.site}/first/__init__.py").paths
    assert {f"{make.site}/first-1.0.dist-info/{name}" for name in ("METADATA", "RECORD", "INSTALLER")} <= found


MODULES = {
    "lib/__init__.py": b"from .near import a",
    "lib/near.py": b"import lib.deep.inner",
    "lib/deep/__init__.py": b"",
    "lib/deep/inner.py": b"",
    "lib/deep/unused.py": b"",
    "lib/_fast.cpython-311-x86_64-linux-gnu.so": b"",
    "lib/far/__init__.py": b"",
    "lib/table.json": b"{}",
    "lib/assets/logo.svg": b"<svg/>",
}


def module_depth(closed, make, modules, *opened):
    found = closed(make.python("lib", modules), *(f"{make.site}/{path}" for path in opened), depth=Depth.MODULE)
    return {path.removeprefix(f"{make.site}/") for path in found.paths} & modules.keys()


def test_at_the_depth_of_modules_imports_are_followed_with_packages_and_data(closed, make):
    assert module_depth(closed, make, MODULES, "lib/__init__.py") == {
        *("lib/__init__.py", "lib/near.py", "lib/deep/__init__.py", "lib/deep/inner.py"),
        *("lib/table.json", "lib/assets/logo.svg"),
    }


def test_a_native_module_that_is_imported_is_kept(closed, make):
    modules = MODULES | {"lib/near.py": b"from lib import _fast"}
    assert "lib/_fast.cpython-311-x86_64-linux-gnu.so" in module_depth(closed, make, modules, "lib/near.py")


@pytest.mark.parametrize(
    "source", [b"def __getattr__(name): ...", b"from importlib import import_module as i\nimport_module(f'.{x}')"]
)
def test_a_package_that_makes_up_names_keeps_all_its_modules(closed, make, source):
    found = module_depth(closed, make, MODULES | {"lib/__init__.py": source}, "lib/__init__.py")
    assert {"lib/near.py", "lib/far/__init__.py"} <= found


def test_a_module_that_calls_the_loader_keeps_the_libraries_beside_it(closed, make):
    modules = MODULES | {"lib/near.py": b"import ctypes\nctypes.CDLL(path)", "lib/bin/libx.so": b""}
    assert "lib/bin/libx.so" in module_depth(closed, make, modules, "lib/near.py")


def test_a_required_distribution_can_still_be_imported_at_the_depth_of_modules(closed, make):
    found = closed(two(make, "other"), f"{make.site}/first/__init__.py", depth=Depth.MODULE)
    assert f"{make.site}/other/__init__.py" in found.paths


def test_a_distribution_that_only_requires_others_goes_if_nothing_requires_it(closed, make):
    items = [*two(make), *make.python("all-of-it", {}, requires=("first", "other")), make.file("app/a")]
    assert closed(items, "app/a").dropped == {"python:first", "python:other", "python:all-of-it"}


def test_a_directory_that_was_looked_at_stays_with_its_distribution_though_nothing_is_left_in_it(closed, make):
    stubs = f"{make.site}/first/stubs"
    items = [*make.python("first", {"first/__init__.py": b"", "first/stubs/__init__.pyi": b""}), make.folder(stubs)]
    found = closed(items, f"{make.site}/first/__init__.py", *make.used(stubs, how=Operation.STAT)).paths
    assert stubs in found
    assert f"{stubs}/__init__.pyi" not in found


@pytest.mark.parametrize("opened", ["first/__init__.py", "../../../../app/a"])
def test_a_file_of_nobody_in_the_directory_of_a_distribution_stays_and_goes_with_it(closed, make, opened):
    made = f"{make.site}/first/made/index.cache"
    items = [*two(make), make.file(made), make.file(f"{make.site}/own.pth"), make.file("app/a")]
    path = posixpath.normpath(f"{make.site}/{opened}")
    found = closed(items, path).paths
    assert (made in found) is ("first" in opened)
    assert f"{make.site}/own.pth" in found
