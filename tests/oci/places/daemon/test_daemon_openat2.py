"""Opening beneath a directory: the system call and the way without it keep the same promises."""

import errno
import os

import pytest

from slimml.errors import InvalidImage, NotFound
from slimml.oci.places.daemon.store import openat2


@pytest.fixture(params=["openat2", "component by component"])
def way(request, monkeypatch):
    if request.param != "openat2":

        def missing(*arguments: object) -> int:
            return -1

        monkeypatch.setattr(openat2, "_syscall", missing)
        monkeypatch.setattr(openat2.ctypes, "get_errno", lambda: errno.ENOSYS)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root" / "inner").mkdir(parents=True)
    (tmp_path / "root" / "inner" / "file").write_bytes(b"inside")
    (tmp_path / "outside").write_bytes(b"outside")
    descriptor = os.open(tmp_path / "root", os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def content(root: int, relative: str) -> bytes:
    with os.fdopen(openat2.open_beneath(root, relative, "a file"), "rb") as file:
        return file.read()


def test_a_file_beneath_is_opened(way, root):
    assert content(root, "inner/file") == b"inside"


def test_a_name_that_is_not_utf_8_is_opened(way, root, tmp_path):
    with open(os.fsencode(tmp_path / "root") + b"/caf\xe9", "wb") as file:
        file.write(b"coffee")
    assert content(root, "caf\udce9") == b"coffee"


@pytest.mark.parametrize("relative", ["../outside", "inner/../../outside", "/etc/passwd", "..", ""])
def test_no_way_leads_out(way, root, relative):
    with pytest.raises((InvalidImage, NotFound)):
        content(root, relative)


def test_a_link_is_not_followed(way, root, tmp_path):
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidImage, match="symbolic link"):
        content(root, "link")


def test_a_link_that_stays_inside_is_not_followed_either(way, root, tmp_path):
    (tmp_path / "root" / "link").symlink_to("inner")
    with pytest.raises(InvalidImage):
        content(root, "link/file")


def test_a_fifo_does_not_hang(way, root, tmp_path):
    os.mkfifo(tmp_path / "root" / "fifo")
    with pytest.raises(InvalidImage, match="not a regular file"):
        content(root, "fifo")


def test_a_missing_file_is_not_found(way, root):
    with pytest.raises(NotFound):
        content(root, "inner/none")


def test_nothing_stays_open(way, root):
    before = len(os.listdir("/proc/self/fd"))
    for relative in ("inner/file", "none", "inner"):
        try:
            content(root, relative)
        except (InvalidImage, NotFound):
            continue
    assert len(os.listdir("/proc/self/fd")) == before
