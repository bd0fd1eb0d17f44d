"""Image archives that want to hurt: links out of the archive, forged names, bombs (attack cases 1, 6, 8, 10, 13)."""

import io
import json
import os
import subprocess
import tarfile
import time

import pytest
from tiny_image import compress, read_layers, tar_of, tiny

from slimml.errors import InvalidImage, LimitExceeded, NotFound, SlimmlError, Unsupported
from slimml.oci.digest import hex_of, sha256
from slimml.oci.media_types import Compression
from slimml.oci.reference import Reference, Transport
from slimml.oci.transfer import open_image, write_image

DOCKER = Transport.DOCKER_ARCHIVE
OCI = Transport.OCI_ARCHIVE
BOTH = [DOCKER, OCI]


@pytest.fixture
def archive(tmp_path):
    """`archive(members)` writes a tar of {name: bytes or (type, link)} and gives its path."""

    def write(members):
        path = tmp_path / "image.tar"
        with tarfile.open(path, "w") as found:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                if isinstance(content, tuple):
                    member.type, member.linkname = content
                    found.addfile(member)
                else:
                    member.size = len(content)
                    found.addfile(member, io.BytesIO(content))
        return path

    return write


def opened(path, transport=DOCKER):
    return open_image(Reference(transport, path=str(path)))


def saved(image=None, **listed):
    """The members of an archive of docker save; `listed` changes its entry in manifest.json."""
    image = image or tiny({"a": b"1"})
    entry = {"Config": "config.json", "RepoTags": ["app:tag"], "Layers": ["0/layer.tar"]} | listed
    return {
        "0/layer.tar": read_layers(image)[0],
        "config.json": image.config.raw,
        "manifest.json": json.dumps([entry]).encode(),
    }


@pytest.mark.parametrize("target", ["../../../../etc/passwd", "/etc/passwd", "..", "nowhere"])
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_layer_that_links_to_the_host_is_not_read(archive, target, kind):
    path = archive(saved() | {"0/layer.tar": (kind, target)})
    with pytest.raises((InvalidImage, NotFound)):
        opened(path)


@pytest.mark.parametrize("name", ["../../../../etc/passwd", "/etc/passwd", "..", "", "a/../../x"])
@pytest.mark.parametrize("field", ["Config", "Layers"])
def test_a_path_to_the_host_in_the_list_is_not_read(archive, name, field):
    path = archive(saved(**{field: [name] if field == "Layers" else name}))
    with pytest.raises((InvalidImage, NotFound)):
        opened(path)


def test_links_in_a_circle_end(archive):
    path = archive(
        saved()
        | {"0/layer.tar": (tarfile.SYMTYPE, "../1/layer.tar"), "1/layer.tar": (tarfile.SYMTYPE, "../0/layer.tar")}
    )
    with pytest.raises(InvalidImage, match="link that leads to links"):
        opened(path)


@pytest.mark.parametrize("transport", BOTH)
def test_a_member_whose_name_leads_out_is_refused(archive, transport):
    with pytest.raises(InvalidImage, match=r"\.\."):
        opened(archive(saved() | {"../outside": b"x"}), transport)


def test_a_config_under_another_digest_is_refused(archive):
    name = f"{hex_of(sha256(b'other'))}.json"
    members = saved(Config=name)
    members[name] = members.pop("config.json")
    with pytest.raises(InvalidImage, match="other content"):
        opened(archive(members))


@pytest.mark.parametrize("compression", list(Compression))
def test_a_layer_with_other_content_is_found_when_copying(archive, tmp_path, compression):
    path = archive(saved() | {"0/layer.tar": compress(tar_of({"a": b"other"}), compression)})
    with pytest.raises(InvalidImage):
        write_image(opened(path), Reference(Transport.LAYOUT, path=str(tmp_path / "copy")))
    assert os.listdir(tmp_path) == ["image.tar"]


@pytest.mark.parametrize("layers", [[], ["0/layer.tar"] * 2, [7], "0/layer.tar", None, {"a": 1}])
def test_a_list_of_layers_that_contradicts_the_config_is_refused(archive, layers):
    with pytest.raises(InvalidImage):
        opened(archive(saved(Layers=layers)))


@pytest.mark.parametrize(
    "document", [b"", b"{}", b"[]", b"[1]", b"[[]]", b"nul", b'[{"Config": 1}]', b'[{"RepoTags": 1}]', b"[" * 100_000]
)
def test_nonsense_in_the_list_ends_in_one_of_our_errors(archive, document):
    with pytest.raises(SlimmlError):
        opened(archive(saved() | {"manifest.json": document}))


@pytest.mark.parametrize(
    ("transport", "name"),
    [(DOCKER, "manifest.json"), (DOCKER, "config.json"), (OCI, "oci-layout"), (OCI, "index.json")],
)
def test_a_huge_document_is_not_read(archive, transport, name):
    members = saved() | {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": b"{}"}
    with pytest.raises(LimitExceeded, match="json_bytes"):
        opened(archive(members | {name: b" " * (9 << 20)}), transport)


@pytest.mark.parametrize("transport", BOTH)
@pytest.mark.parametrize("size", [1, 100, 511, 512, 700, 5000])
def test_an_archive_that_is_cut_off_ends_in_an_error(archive, transport, size):
    path = archive(saved())
    os.truncate(path, size)
    with pytest.raises(SlimmlError):
        opened(path, transport)


@pytest.mark.parametrize("transport", BOTH)
def test_a_member_said_to_be_larger_than_the_archive_is_refused(archive, transport, tmp_path):
    huge = tarfile.TarInfo("manifest.json")
    huge.size = 1 << 50
    path = tmp_path / "image.tar"
    path.write_bytes(huge.tobuf(tarfile.GNU_FORMAT) + bytes(2048))
    with pytest.raises(InvalidImage):
        opened(path, transport)


@pytest.mark.parametrize("transport", BOTH)
def test_too_many_members_are_refused(tmp_path, transport):
    path = tmp_path / "image.tar"
    with open(path, "wb") as out:
        for number in range(100_001):
            out.write(tarfile.TarInfo(f"{number:08}").tobuf(tarfile.USTAR_FORMAT))
    began = time.monotonic()
    with pytest.raises(InvalidImage, match="members"):
        opened(path, transport)
    assert time.monotonic() - began < 30


def test_a_sparse_member_tells_the_way_out(tmp_path):
    with open(tmp_path / "layer.tar", "wb") as layer:
        layer.truncate(1 << 20)
    subprocess.run(["tar", "--sparse", "-cf", "image.tar", "layer.tar"], cwd=tmp_path, check=True)
    with pytest.raises(Unsupported, match="--sparse"):
        opened(tmp_path / "image.tar")


def test_garbage_after_the_end_costs_nothing(archive):
    path = archive(saved())
    os.truncate(path, 1 << 40)
    began = time.monotonic()
    assert opened(path).layers
    assert time.monotonic() - began < 5


def test_a_fifo_does_not_make_us_wait(tmp_path):
    os.mkfifo(tmp_path / "image.tar")
    with pytest.raises(Unsupported, match="no regular file"):
        opened(tmp_path / "image.tar")


def test_no_temporary_file_is_left_after_a_failure(tmp_path):
    image = tiny({"a": b"1"}, {"b": b"2"})
    image.layers[0].blobs.content[image.layers[1].descriptor.digest] = b"wrong"
    for transport in (*BOTH, Transport.LAYOUT):
        with pytest.raises(InvalidImage):
            write_image(image, Reference(transport, path=str(tmp_path / "out")))
    assert os.listdir(tmp_path) == []


def test_a_failed_write_keeps_the_archive_that_was_there(tmp_path):
    out = Reference(DOCKER, path=str(tmp_path / "out"))
    write_image(tiny({"a": b"1"}), out)
    before = (tmp_path / "out").read_bytes()
    broken = tiny({"a": b"2"})
    broken.layers[0].blobs.content.clear()
    with pytest.raises(NotFound):
        write_image(broken, out)
    assert (tmp_path / "out").read_bytes() == before
