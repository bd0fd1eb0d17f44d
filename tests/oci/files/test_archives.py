"""Image archives: OCI and Docker's, read in place, written as a stream."""

import io
import json
import os
import tarfile
from dataclasses import replace

import pytest
from tiny_image import compress, put_layout, read_layers, tar_of, tiny

from slimml.errors import InvalidImage, NotFound, Refused, Unsupported, UsageError
from slimml.oci.archive_writer import _header
from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.oci.digest import hex_of, sha256
from slimml.oci.image import assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import Compression
from slimml.oci.transfer import open_image, write_image

ARCHIVES = ["oci-archive:image.tar:tag", "docker-archive:image.tar:app:tag"]


def tar_with(path, files, links=()):
    """A tar at `path` of files {name: bytes} and symlinks {name: target}."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in dict(links).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)


def docker_save(path, image, tags=("app:tag",), *, compression=Compression.NONE, change=lambda files: None, links=()):
    """The archive that `docker save` made before Docker 25."""
    tars = read_layers(image)
    members = [f"{n}{n}/layer.tar" for n in range(len(tars))]
    config = f"{hex_of(image.config.digest)}.json"
    files = {name: compress(data, compression) for name, data in zip(members, tars, strict=True)}
    files[config] = image.config.raw
    files["manifest.json"] = json.dumps([{"Config": config, "RepoTags": list(tags), "Layers": members}]).encode()
    change(files)
    tar_with(path, files, links)


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("compression", list(Compression))
def test_a_written_image_is_read_back(at, archive, compression):
    image = tiny({"a": b"1"}, {"b": b"2" * 99_999}, compression=compression)
    write_image(image, at(archive))
    back = open_image(at(archive))
    assert (back.config.raw, read_layers(back)) == (image.config.raw, read_layers(image))


@pytest.mark.parametrize("archive", ARCHIVES)
def test_gzip_layers_stay_as_they_are(at, archive):
    image = tiny({"a": b"1"})
    write_image(image, at(archive))
    assert open_image(at(archive)).layers[0].descriptor.digest == image.layers[0].descriptor.digest


@pytest.mark.parametrize("archive", ARCHIVES)
def test_the_same_image_gives_the_same_bytes(at, tmp_path, archive):
    image = tiny({"a": b"1"}, {"b": b"2"})
    write_image(image, at(archive))
    first = (tmp_path / "image.tar").read_bytes()
    write_image(image, at(archive))
    assert (tmp_path / "image.tar").read_bytes() == first


@pytest.mark.parametrize("place", [*ARCHIVES, "oci:layout:tag"])
def test_layers_of_unknown_size_are_written(at, place):
    image = tiny({"a": b"1" * 5000}, compression=Compression.NONE, docker=True)
    layer = image.layers[0]
    unknown = replace(layer, descriptor=replace(layer.descriptor, size=UNKNOWN_SIZE))
    manifest = replace(image.manifest, layers=(unknown.descriptor,), raw=b"no place has it")
    write_image(replace(image, layers=(unknown,), manifest=manifest), at(place))
    assert read_layers(open_image(at(place))) == read_layers(image)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_layer_that_occurs_twice_is_written_once(at, tmp_path, archive):
    image = tiny({"a": b"1"}, {"a": b"1"})
    write_image(image, at(archive))
    with tarfile.open(tmp_path / "image.tar") as found:
        assert len(set(found.getnames())) == len(found.getnames())
    assert len(open_image(at(archive)).layers) == 2


@pytest.mark.parametrize("archive", ARCHIVES)
def test_an_archive_is_replaced(at, archive):
    write_image(tiny({"a": b"1"}), at(archive))
    second = tiny({"a": b"2"})
    write_image(second, at(archive))
    assert read_layers(open_image(at(archive))) == read_layers(second)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_an_image_may_be_written_over_its_own_archive(at, archive):
    write_image(tiny({"a": b"1"}), at(archive))
    image = open_image(at(archive))
    write_image(image, at(archive))
    assert read_layers(open_image(at(archive))) == read_layers(image)


@pytest.mark.parametrize("archive", ARCHIVES)
def test_nothing_is_left_of_an_image_that_is_wrong(at, tmp_path, archive):
    image = tiny({"a": b"1"})
    image.layers[0].blobs.content[image.layers[0].descriptor.digest] = b"wrong"
    with pytest.raises(InvalidImage):
        write_image(image, at(archive))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("compression", list(Compression))
def test_a_diff_id_that_is_wrong_is_found_while_writing(at, tmp_path, archive, compression):
    image = tiny({"a": b"1"}, compression=compression, config={"rootfs": {"diff_ids": [sha256(b"other")]}})
    with pytest.raises(InvalidImage, match=sha256(b"other")):
        write_image(image, at(archive))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_directory_is_not_replaced(at, tmp_path, archive):
    (tmp_path / "image.tar").mkdir()
    with pytest.raises(Refused):
        write_image(tiny({"a": b"1"}), at(archive))


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh9"])
def test_an_archive_compressed_as_a_whole_tells_the_way_out(at, tmp_path, archive, magic):
    (tmp_path / "image.tar").write_bytes(magic + bytes(600))
    with pytest.raises(Unsupported, match="decompress it first"):
        open_image(at(archive))


@pytest.mark.parametrize("archive", ARCHIVES)
def test_another_tar_is_no_image(at, tmp_path, archive):
    (tmp_path / "image.tar").write_bytes(tar_of({"letter": b"dear"}))
    with pytest.raises(NotFound, match="no member"):
        open_image(at(archive))


@pytest.mark.parametrize("archive", ARCHIVES)
def test_a_name_that_is_not_there_tells_which_are(at, archive):
    write_image(tiny({"a": b"1"}), at(archive))
    with pytest.raises(NotFound, match="tag"):
        open_image(at(archive.replace("tag", "other")))


def test_a_tar_of_a_layout_is_read(at, tmp_path):
    image = tiny({"a": b"1"}, {"b": b"2"})
    put_layout(tmp_path / "one", image)
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        archive.add(tmp_path / "one", ".")
    assert open_image(at("oci-archive:image.tar")).manifest.raw == image.manifest.raw


@pytest.mark.parametrize("compression", list(Compression))
def test_layers_of_docker_save_may_be_compressed(at, tmp_path, compression):
    image = tiny({"a": b"1"}, {"b": b"2"})
    docker_save(tmp_path / "image.tar", image, compression=compression)
    assert read_layers(open_image(at("docker-archive:image.tar"))) == read_layers(image)


def test_a_repeated_layer_may_be_a_link_in_the_archive(at, tmp_path):
    image = tiny({"a": b"1"}, {"a": b"1"})
    docker_save(
        tmp_path / "image.tar",
        image,
        change=lambda files: files.pop("11/layer.tar"),
        links={"11/layer.tar": "../00/layer.tar"},
    )
    assert read_layers(open_image(at("docker-archive:image.tar"))) == read_layers(image)


def test_the_newer_form_of_docker_save_is_read(at, tmp_path):
    image = tiny({"a": b"1"}, {"b": b"2"})
    names = [f"blobs/sha256/{hex_of(layer.descriptor.digest)}" for layer in image.layers]
    config = f"blobs/sha256/{hex_of(image.config.digest)}"
    listed = [{"Config": config, "RepoTags": ["app:tag"], "Layers": names}]
    content = image.layers[0].blobs.content
    files = {f"blobs/sha256/{hex_of(digest)}": data for digest, data in content.items()}
    tar_with(tmp_path / "image.tar", files | {"manifest.json": json.dumps(listed).encode()})
    back = open_image(at("docker-archive:image.tar:app:tag"))
    assert [layer.descriptor.digest for layer in back.layers] == [layer.descriptor.digest for layer in image.layers]


def test_an_image_of_docker_save_is_found_by_its_long_name(at, tmp_path):
    docker_save(tmp_path / "image.tar", tiny({"a": b"1"}), tags=("app:tag",))
    assert open_image(at("docker-archive:image.tar:docker.io/library/app:tag")).layers


def test_several_images_of_docker_save_are_told_by_name(at, tmp_path):
    def twice(files):
        (one,) = json.loads(files["manifest.json"])
        files["manifest.json"] = json.dumps([one, one | {"RepoTags": ["app:other"]}]).encode()

    docker_save(tmp_path / "image.tar", tiny({"a": b"1"}), change=twice)
    with pytest.raises(UsageError, match="app:other, app:tag"):
        open_image(at("docker-archive:image.tar"))


def test_a_size_past_8_gib_fits_into_the_header():
    assert tarfile.TarInfo.frombuf(_header("big", 9 << 30), "utf-8", "strict").size == 9 << 30


def test_an_image_without_layers_is_written(at):
    empty = tiny({"a": b"1"})
    config = tiny(config={"rootfs": {"diff_ids": []}, "history": []}).config
    image = assemble(empty.reference, replace_config(empty, config), config, empty.layers[0].blobs)
    write_image(image, at("docker-archive:image.tar"))
    assert open_image(at("docker-archive:image.tar")).layers == ()


def replace_config(image, config):
    described = image.layers[0].blobs.add(image.manifest.config.media_type, config.raw)
    return build_manifest(config=described, layers=[])
