"""Words that may be files: existing paths win."""

import os

import pytest
from tiny_image import put_layout, tiny

from slimml.errors import Unsupported, UsageError
from slimml.oci.locate import locate
from slimml.oci.reference import Transport, parse_reference
from slimml.oci.transfer import write_image


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put_layout(tmp_path / "layout", tiny({"a": b"1"}))
    write_image(tiny({"a": b"1"}), parse_reference("oci-archive:oci.tar:tag"))
    write_image(tiny({"a": b"1"}), parse_reference("docker-archive:docker.tar:app:tag"))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("layout", "oci:layout"),
        ("./layout:latest", "oci:./layout:latest"),
        ("oci.tar", "oci-archive:oci.tar"),
        ("oci.tar:tag", "oci-archive:oci.tar:tag"),
        ("docker.tar", "docker-archive:docker.tar"),
        ("docker.tar:app:tag", "docker-archive:docker.tar:app:tag"),
        ("oci:new:tag", "oci:new:tag"),
        ("ubuntu:22.04", "ubuntu:22.04"),
        ("docker://ubuntu:22.04", "docker://ubuntu:22.04"),
    ],
)
def test_words_are_understood(text, written):
    assert str(locate(text)) == written


def test_a_path_may_have_colons(here):
    os.rename(here / "layout", here / "a:b")
    assert locate("a:b:latest") == locate("oci:a:b:latest")
    assert locate("a:b").path == "a:b"


def test_a_directory_that_is_no_layout_is_an_image_name(here):
    (here / "ubuntu").mkdir()
    assert locate("ubuntu").transport is Transport.BARE


def test_a_file_that_is_no_image_is_an_image_name(here):
    (here / "ubuntu").write_text("notes")
    assert locate("ubuntu").transport is Transport.BARE


def test_a_compressed_archive_tells_the_way_out(here):
    (here / "image.tar.gz").write_bytes(b"\x1f\x8b" + bytes(100))
    with pytest.raises(Unsupported, match="gunzip"):
        locate("image.tar.gz")


def test_nonsense_is_a_usage_error():
    with pytest.raises(UsageError):
        locate("No Such Image")
