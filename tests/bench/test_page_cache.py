"""The page cache: what is resident, what an eviction takes away, and what is said where nothing can be done."""

import os
import subprocess

import pytest
from engines import missing

from slimml.bench import page_cache
from slimml.bench.page_cache import Coldness, ResidentFile, make_cold, residency

MEGABYTE = 1 << 20
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mincore(2) tells the truth to root alone")


@pytest.fixture
def no_drop_caches(monkeypatch, tmp_path):
    """A machine whose drop_caches nobody may write (here: the directory for it does not exist)."""
    monkeypatch.setattr(page_cache, "DROP_CACHES", tmp_path / "nowhere" / "drop_caches")


def written(path, size=MEGABYTE):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(os.urandom(size))
        os.fsync(file.fileno())
    return path


@root_only
def test_a_file_just_written_is_resident(tmp_path):
    written(tmp_path / "image/app/model.bin")
    found = residency(tmp_path / "image")
    assert (found.bytes, found.files) == (MEGABYTE, (ResidentFile("/app/model.bin", MEGABYTE, MEGABYTE),))


@root_only
def test_evicted_files_are_no_longer_resident(tmp_path, no_drop_caches):
    written(tmp_path / "image/model.bin")
    assert make_cold([tmp_path / "image"]).coldness is Coldness.EVICTED
    assert residency(tmp_path / "image").resident_bytes == 0


def test_where_nothing_can_be_done_it_is_warm_and_said(no_drop_caches):
    cooling = make_cold()
    assert cooling.coldness is Coldness.WARM
    assert cooling.reason.startswith("warm only:")


@root_only
def test_links_and_pipes_are_left_alone(tmp_path, no_drop_caches):
    outside = written(tmp_path / "outside.bin")
    image = tmp_path / "image"
    image.mkdir()
    (image / "link").symlink_to(outside)
    (image / "directory").symlink_to(tmp_path)
    os.mkfifo(image / "pipe")
    assert make_cold([image]).coldness is Coldness.WARM
    assert residency(image).bytes == 0
    assert [file.path for file in residency(tmp_path).files] == ["/outside.bin"]


@root_only
def test_other_file_systems_below_are_not_entered(tmp_path):
    mounted = tmp_path / "image/mounted"
    mounted.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", mounted], capture_output=True, check=False).returncode:
        missing("this root may not mount")
    try:
        written(mounted / "else.bin")
        assert residency(tmp_path / "image").bytes == 0
    finally:
        subprocess.run(["umount", mounted], check=True)
