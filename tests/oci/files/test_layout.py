"""OCI layouts: found by name and platform, written whole, shared by writers."""

import json
import os
import threading

import pytest
from tiny_image import blob_path, put_layout, read_layers, tiny

from slimml.errors import InvalidImage, NotFound, Refused, Unsupported, UsageError
from slimml.oci.digest import sha256
from slimml.oci.media_types import OCI_INDEX, Compression
from slimml.oci.platform import parse_platform
from slimml.oci.transfer import Access, open_image, write_image


def names(path):
    index = json.loads((path / "index.json").read_text())
    return [entry.get("annotations", {}).get("org.opencontainers.image.ref.name") for entry in index["manifests"]]


def blobs(path):
    return sorted(os.listdir(path / "blobs" / "sha256"))


def leftovers(path):
    return [name for root, dirs, files in os.walk(path) for name in (*dirs, *files) if name.startswith(".slimml")]


@pytest.mark.parametrize("compression", list(Compression))
def test_a_written_image_is_read_back(at, compression):
    image = tiny({"a": b"1"}, {"b": b"2" * 99_999}, compression=compression)
    write_image(image, at("oci:new:tag"))
    back = open_image(at("oci:new:tag"))
    assert (back.manifest.raw, read_layers(back)) == (image.manifest.raw, read_layers(image))


def test_a_docker_image_gets_an_oci_manifest_and_keeps_its_config_and_layers(at):
    image = tiny({"a": b"1"}, docker=True)
    receipt = write_image(image, at("oci:new:tag"))
    back = open_image(at("oci:new:tag"))
    assert back.manifest.media_type == "application/vnd.oci.image.manifest.v1+json"
    assert receipt.digest == back.manifest.digest
    assert back.config.raw == image.config.raw
    assert [layer.descriptor.digest for layer in back.layers] == [layer.descriptor.digest for layer in image.layers]


def test_one_image_needs_no_name(tmp_path, at):
    put_layout(tmp_path / "one", tiny({"a": b"1"}), names=("some",))
    assert open_image(at("oci:one")).layers


def test_several_images_are_told_by_name(tmp_path, at):
    write_image(tiny({"a": b"1"}), at("oci:two:first"))
    write_image(tiny({"a": b"2"}), at("oci:two:second"))
    with pytest.raises(UsageError, match="first, second"):
        open_image(at("oci:two"))


def test_a_missing_name_tells_which_there_are(tmp_path, at):
    put_layout(tmp_path / "one", tiny({"a": b"1"}), names=("v1", "v2"))
    with pytest.raises(NotFound, match="v1, v2"):
        open_image(at("oci:one:v3"))


def test_an_image_is_found_by_its_digest(tmp_path, at):
    write_image(tiny({"a": b"1"}), at("oci:two"))
    receipt = write_image(tiny({"a": b"2"}), at("oci:two"))
    assert open_image(at(f"oci:two:{receipt.digest}")).manifest.digest == receipt.digest


def test_an_image_is_found_by_the_name_that_containerd_gave(tmp_path, at):
    path = put_layout(tmp_path / "one", tiny({"a": b"1"}))
    index = json.loads((path / "index.json").read_text())
    index["manifests"][0]["annotations"] = {"io.containerd.image.name": "docker.io/library/app:v1"}
    (path / "index.json").write_text(json.dumps(index))
    assert open_image(at("oci:one:app:v1")).layers


def nested(path, image, platform, depth):
    """A layout whose entry leads through `depth` indexes, the last of which names a platform."""
    put_layout(path, image)
    entry = image.manifest.descriptor.to_json() | {"platform": parse_platform(platform).to_json()}
    for _ in range(depth):
        raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
        blob_path(path, sha256(raw)).write_bytes(raw)
        entry = {"mediaType": OCI_INDEX, "digest": sha256(raw), "size": len(raw), "platform": entry["platform"]}
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))


def test_a_platform_is_chosen_through_indexes(tmp_path, at):
    nested(tmp_path / "deep", tiny({"a": b"1"}), "linux/arm64", 2)
    assert open_image(at("oci:deep"), Access(platform=parse_platform("linux/arm64"))).layers


def test_a_missing_platform_tells_which_there_are(tmp_path, at):
    nested(tmp_path / "deep", tiny({"a": b"1"}), "linux/arm64", 1)
    with pytest.raises(NotFound, match="linux/arm64"):
        open_image(at("oci:deep"), Access(platform=parse_platform("linux/s390x")))


def test_an_image_is_added_to_those_that_are_there(at, tmp_path):
    write_image(tiny({"a": b"1"}), at("oci:two:first"))
    write_image(tiny({"a": b"2"}), at("oci:two:second"))
    assert names(tmp_path / "two") == ["first", "second"]


def test_an_image_takes_the_place_of_one_of_its_name(at, tmp_path):
    write_image(tiny({"a": b"1"}), at("oci:one:tag"))
    second = tiny({"a": b"2"})
    write_image(second, at("oci:one:tag"))
    assert names(tmp_path / "one") == ["tag"]
    assert read_layers(open_image(at("oci:one:tag"))) == read_layers(second)


def test_fields_of_the_index_that_we_do_not_know_stay(at, tmp_path):
    path = put_layout(tmp_path / "one", tiny({"a": b"1"}))
    index = json.loads((path / "index.json").read_text())
    index["annotations"] = {"com.example": "kept"}
    index["manifests"][0]["data"] = "e30="
    (path / "index.json").write_text(json.dumps(index))
    write_image(tiny({"a": b"2"}), at("oci:one:other"))
    found = json.loads((path / "index.json").read_text())
    assert found["annotations"] == {"com.example": "kept"}
    assert found["manifests"][0]["data"] == "e30="


def test_blobs_that_are_there_are_reused(at):
    image = tiny({"a": b"1" * 5000})
    write_image(image, at("oci:one:first"))
    receipt = write_image(image, at("oci:one:second"))
    assert receipt.written_bytes == 0
    assert receipt.reused_bytes > image.compressed_bytes


def test_a_damaged_blob_is_not_reused(at, tmp_path):
    image = tiny({"a": b"1" * 5000})
    write_image(image, at("oci:one:first"))
    blob = blob_path(tmp_path / "one", image.layers[0].descriptor.digest)
    blob.write_bytes(bytes(blob.stat().st_size))
    write_image(image, at("oci:one:second"))
    assert read_layers(open_image(at("oci:one:second"))) == read_layers(image)


def test_layouts_of_one_owner_share_unchanged_blobs(at, tmp_path):
    image = tiny({"a": b"1" * 5000})
    write_image(image, at("oci:one:tag"))
    write_image(open_image(at("oci:one:tag")), at("oci:two:tag"))
    digest = image.layers[0].descriptor.digest
    assert blob_path(tmp_path / "one", digest).samefile(blob_path(tmp_path / "two", digest))


def test_a_blob_that_others_may_write_to_is_copied(at, tmp_path):
    image = tiny({"a": b"1" * 5000})
    write_image(image, at("oci:one:tag"))
    digest = image.layers[0].descriptor.digest
    blob_path(tmp_path / "one", digest).chmod(0o666)
    write_image(open_image(at("oci:one:tag")), at("oci:two:tag"))
    assert not blob_path(tmp_path / "one", digest).samefile(blob_path(tmp_path / "two", digest))


def test_an_empty_directory_becomes_a_layout(at, tmp_path):
    (tmp_path / "new").mkdir()
    write_image(tiny({"a": b"1"}), at("oci:new"))
    assert open_image(at("oci:new")).layers


def test_a_directory_with_something_else_is_left_alone(at, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letter").write_text("dear")
    with pytest.raises(Refused, match="no OCI image layout"):
        write_image(tiny({"a": b"1"}), at("oci:home"))
    assert os.listdir(tmp_path / "home") == ["letter"]


def test_a_file_is_left_alone(at, tmp_path):
    (tmp_path / "letter").write_text("dear")
    with pytest.raises(Refused, match="is a file"):
        write_image(tiny({"a": b"1"}), at("oci:letter"))


def test_a_directory_that_is_no_layout_is_not_found(at, tmp_path):
    with pytest.raises(NotFound, match="oci-layout"):
        open_image(at("oci:."))


def test_a_layout_of_the_future_is_unsupported(at, tmp_path):
    put_layout(tmp_path / "one", tiny({"a": b"1"}))
    (tmp_path / "one" / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}')
    with pytest.raises(Unsupported, match=r"2\.0\.0"):
        open_image(at("oci:one"))


def test_nothing_is_left_of_an_image_that_is_wrong(at, tmp_path):
    image = tiny({"a": b"1"}, {"b": b"2"})
    image.layers[0].blobs.content[image.layers[1].descriptor.digest] = b"wrong"
    with pytest.raises(InvalidImage):
        write_image(image, at("oci:new"))
    assert os.listdir(tmp_path) == []


def test_a_diff_id_that_is_wrong_is_found_while_writing(at, tmp_path):
    image = tiny({"a": b"1"}, config={"rootfs": {"diff_ids": [sha256(b"other")]}})
    with pytest.raises(InvalidImage, match=sha256(b"other")):
        write_image(image, at("oci:new"))
    assert os.listdir(tmp_path) == []


def test_writers_at_the_same_time_keep_each_others_entries(at, tmp_path):
    write_image(tiny({"a": b"0"}), at("oci:many:0"))
    writers = [
        threading.Thread(target=write_image, args=(tiny({"a": b"%d" % n}), at(f"oci:many:{n}"))) for n in range(1, 9)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(names(tmp_path / "many")) == [str(n) for n in range(9)]
    assert leftovers(tmp_path) == []


def test_writers_at_the_same_time_may_make_the_layout(at, tmp_path):
    writers = [
        threading.Thread(target=write_image, args=(tiny({"a": b"%d" % n}), at(f"oci:many:{n}"))) for n in range(6)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(names(tmp_path / "many")) == [str(n) for n in range(6)]
    assert leftovers(tmp_path) == []
