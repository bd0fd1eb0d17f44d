"""A directory's libraries become smaller: into a copy or in place, whole or not at all, and RECORD follows."""

import base64
import hashlib
import os

import pytest
from gpu_library import container, cubins, library
from tiny_elf import numbers_of_all, tiny_library

from slimml.errors import NotFound, Refused
from slimml.slim.replacing import directory as module
from slimml.slim.replacing.directory import trim_directory

BSD = "Redistribution and use in source and binary forms, with or without modification, are permitted provided that"
KEPT = (90,)


def record(path, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


@pytest.fixture(scope="module")
def gpu_code(tmp_path_factory):
    """A library with code for four GPUs."""
    each = container(*cubins(75, 80, 90, 120, size=60_000))
    return library(tmp_path_factory.mktemp("gpu") / "libkernels.so", [each]).read_bytes()


@pytest.fixture
def site(tmp_path, gpu_code):
    """A directory with two distributions, one with a licence that lets it be changed; and a library of nobody."""
    found = tmp_path / "site"
    for name, text in (("free", BSD), ("closed", "All rights reserved. You may not modify this software.")):
        (found / name).mkdir(parents=True)
        (found / name / "libkernels.so").write_bytes(gpu_code)
        info = found / f"{name}-1.dist-info"
        info.mkdir()
        (info / "LICENSE").write_text(text)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        lines = [record(f"{name}/libkernels.so", gpu_code), f"{name}-1.dist-info/LICENSE,,\n"]
        (info / "RECORD").write_text("".join(lines))
    (found / "own").mkdir()
    (found / "own" / "lib.so").write_bytes(tiny_library())
    (found / "link").symlink_to("free/libkernels.so")
    return found


def contents(root):
    return {
        str(path.relative_to(root)): path.readlink() if path.is_symlink() else path.read_bytes()
        for path in sorted(root.rglob("*"))
        if not path.is_dir() or path.is_symlink()
    }


def test_a_copy_is_whole_and_the_source_stays(site, tmp_path):
    before = contents(site)
    found = trim_directory(site, tmp_path / "copy", KEPT)
    after = contents(tmp_path / "copy")
    assert contents(site) == before
    assert set(after) == set(before)
    assert {path for path in before if before[path] != after[path]} == {
        "free/libkernels.so",
        "free-1.dist-info/RECORD",
    }
    assert found.after == sum(len(it) for path, it in after.items() if path != "link")
    assert found.before == sum(len(it) for path, it in before.items() if path != "link")


def test_only_libraries_that_a_licence_lets_change_are_changed(site, tmp_path):
    found = trim_directory(site, tmp_path / "copy", KEPT)
    assert [it.path for it in found.files] == ["free/libkernels.so"]
    assert set(found.licences) == {"closed/libkernels.so"}


def test_others_are_changed_when_that_was_said(site, tmp_path):
    found = trim_directory(site, tmp_path / "copy", KEPT, modify_proprietary=True)
    assert [it.path for it in found.files] == ["closed/libkernels.so", "free/libkernels.so"]


def test_record_tells_the_new_file(site, tmp_path):
    trim_directory(site, tmp_path / "copy", KEPT)
    new = (tmp_path / "copy" / "free" / "libkernels.so").read_bytes()
    lines = (tmp_path / "copy" / "free-1.dist-info" / "RECORD").read_text().splitlines(keepends=True)
    assert lines[0] == record("free/libkernels.so", new)


def test_in_place_the_originals_lie_beside(site):
    before = contents(site)
    found = trim_directory(site, None, (), strip=True)
    assert found.backup == site.with_name("site.before-slimml")
    after = contents(site)
    changed = {path for path in before if before[path] != after[path]}
    assert changed
    assert contents(found.backup) == {path: before[path] for path in changed}


def test_what_may_not_be_changed_is_not_even_stripped(site):
    (site / "closed" / "lib.so").write_bytes(tiny_library())
    with (site / "closed-1.dist-info" / "RECORD").open("a") as record_file:
        record_file.write("closed/lib.so,,\n")
    trim_directory(site, None, (), strip=True)
    assert (site / "closed" / "lib.so").read_bytes() == tiny_library()
    assert (site / "own" / "lib.so").read_bytes() != tiny_library()


def test_what_was_stripped_loads(site):
    path = site / "own" / "lib.so"
    before = numbers_of_all([path])
    trim_directory(site, None, (), strip=True)
    assert numbers_of_all([path]) == before


def test_mode_and_time_stay(site):
    path = site / "own" / "lib.so"
    path.chmod(0o751)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    trim_directory(site, None, (), strip=True)
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime) == (0o751, 1_000_000_000)


def test_nothing_changes_when_something_fails_on_the_way(site, monkeypatch):
    before = contents(site)
    rename, count = module.Path.rename, []

    def failing(path, target):
        count.append(path)
        if len(count) == 2:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(module.Path, "rename", failing)
    with pytest.raises(Exception, match="No space left"):
        trim_directory(site, None, (), strip=True)
    assert contents(site) == before
    assert not site.with_name("site.before-slimml").exists()


def test_a_second_run_finds_nothing(site, tmp_path):
    trim_directory(site, tmp_path / "copy", KEPT, strip=True)
    with pytest.raises(Refused, match="nothing in it becomes smaller"):
        trim_directory(tmp_path / "copy", None, KEPT, strip=True)
    assert not (tmp_path / "copy.before-slimml").exists()


@pytest.mark.parametrize("target", ["site/inner", "there"])
def test_a_copy_goes_where_nothing_is(site, tmp_path, target):
    (tmp_path / "there").mkdir()
    with pytest.raises(Refused):
        trim_directory(site, tmp_path / target, KEPT)


def test_a_directory_that_is_none_is_an_error(tmp_path):
    with pytest.raises(NotFound):
        trim_directory(tmp_path / "none", None, KEPT)
