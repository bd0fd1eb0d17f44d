"""Image layouts that want to hurt: links to the host, forged digests, unbounded documents (attack cases 6 to 10)."""

import json
import os
import time
import tracemalloc

import pytest
from tiny_image import blob_path, put_layout, tiny

from slimml.errors import InvalidImage, LimitExceeded, SlimmlError
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import sha256
from slimml.oci.limits import Limits
from slimml.oci.media_types import OCI_INDEX, OCI_MANIFEST
from slimml.oci.reference import Reference, Transport
from slimml.oci.transfer import Access, open_image, write_image
from slimml.oci.validate import validate

SECRET = b"host secret"


@pytest.fixture
def layout(tmp_path):
    return put_layout(tmp_path / "layout", tiny({"a": b"1"}))


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    return path


def at(path):
    return Reference(Transport.LAYOUT, path=str(path))


def set_index(layout, **fields):
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2} | fields))


def put_manifest(layout, raw, media_type=OCI_MANIFEST):
    """`raw` as the only manifest of the layout."""
    blob_path(layout, sha256(raw)).write_bytes(raw)
    set_index(layout, manifests=[Descriptor(media_type, sha256(raw), len(raw)).to_json()])


def copy(layout, tmp_path):
    """What `slimml copy` does: every byte is read."""
    write_image(open_image(at(layout)), at(tmp_path / "copy"))


# Case 6


@pytest.mark.parametrize(
    "digest",
    [
        "sha256:../../../secret",
        "sha256:" + "../" * 21 + "x",
        "sha256:" + "A" * 64,
        "sha256:",
        "../../secret",
        "md5:" + "0" * 32,
        "sha256:" + "0" * 64 + "\n",
        "sha256:" + "0" * 63 + "/",
        None,
        7,
    ],
)
@pytest.mark.parametrize("where", ["index", "config", "layer"])
def test_a_digest_cannot_be_a_path(layout, secret, digest, where):
    forged = {"mediaType": OCI_MANIFEST, "digest": digest, "size": len(SECRET)}
    if where == "index":
        set_index(layout, manifests=[forged])
    else:
        manifest = json.loads(tiny({"a": b"1"}).manifest.raw)
        if where == "config":
            manifest["config"]["digest"] = digest
        else:
            manifest["layers"][0]["digest"] = digest
        put_manifest(layout, json.dumps(manifest).encode())
    with pytest.raises(InvalidImage, match="digest"):
        open_image(at(layout))


# Case 7


@pytest.mark.parametrize("name", ["oci-layout", "index.json"])
def test_a_document_that_is_a_link_to_the_host_is_refused(layout, tmp_path, name):
    (layout / name).rename(tmp_path / "outside")
    (layout / name).symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidImage, match="symbolic link"):
        open_image(at(layout))


@pytest.mark.parametrize("name", ["blobs", "blobs/sha256"])
def test_a_directory_that_is_a_link_to_the_host_is_refused(layout, tmp_path, name):
    (layout / name).rename(tmp_path / "outside")
    (layout / name).symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidImage, match="symbolic link"):
        open_image(at(layout))


@pytest.mark.parametrize("which", ["manifest", "config", "layer"])
def test_a_blob_that_is_a_link_to_the_host_is_refused(layout, tmp_path, which):
    image = open_image(at(layout))
    digest = {
        "manifest": image.manifest.digest,
        "config": image.config.digest,
        "layer": image.layers[0].descriptor.digest,
    }[which]
    blob_path(layout, digest).rename(tmp_path / "outside")
    blob_path(layout, digest).symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidImage, match="symbolic link"):
        copy(layout, tmp_path)
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("which", ["index.json", "blob"])
def test_a_fifo_does_not_make_us_wait(layout, which):
    path = layout / which if which != "blob" else blob_path(layout, open_image(at(layout)).config.digest)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InvalidImage, match="regular file"):
        open_image(at(layout))


@pytest.mark.parametrize("name", ["blobs", "blobs/sha256"])
def test_writing_into_a_layout_does_not_follow_its_links(layout, tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    (layout / name).rename(tmp_path / "moved")
    (layout / name).symlink_to(outside)
    with pytest.raises(InvalidImage, match="symbolic link"):
        write_image(tiny({"b": b"2"}), at(layout))
    assert os.listdir(outside) == []


def test_replacing_the_index_does_not_write_through_a_link(layout, secret):
    (layout / "index.json").unlink()
    (layout / "index.json").symlink_to(secret)
    with pytest.raises(InvalidImage, match="symbolic link"):
        write_image(tiny({"b": b"2"}), at(layout))
    assert secret.read_bytes() == SECRET


# Case 8


def damage(path, how):
    data = path.read_bytes()
    path.write_bytes({"changed": data[:-1] + bytes([data[-1] ^ 1]), "longer": data + b"\0", "shorter": data[:-1]}[how])


@pytest.mark.parametrize("how", ["changed", "longer", "shorter"])
@pytest.mark.parametrize("which", ["manifest", "config"])
def test_a_damaged_document_is_found_when_opening(layout, how, which):
    image = open_image(at(layout))
    damage(blob_path(layout, image.manifest.digest if which == "manifest" else image.config.digest), how)
    with pytest.raises(InvalidImage):
        open_image(at(layout))


@pytest.mark.parametrize("how", ["changed", "longer", "shorter"])
def test_a_damaged_layer_is_found_when_copying(layout, tmp_path, how):
    damage(blob_path(layout, open_image(at(layout)).layers[0].descriptor.digest), how)
    with pytest.raises(InvalidImage):
        copy(layout, tmp_path)
    assert not (tmp_path / "copy").exists()


def test_a_wrong_diff_id_is_found_by_validate(tmp_path):
    image = tiny({"a": b"1"}, config={"rootfs": {"diff_ids": [sha256(b"other")]}})
    put_layout(tmp_path / "forged", image)
    assert validate(open_image(at(tmp_path / "forged"))).problems


def test_other_numbers_of_layers_and_diff_ids_are_refused(tmp_path):
    image = tiny({"a": b"1"})
    config = json.loads(image.config.raw)
    config["rootfs"]["diff_ids"] *= 2
    raw = json.dumps(config).encode()
    layout = put_layout(tmp_path / "forged", image)
    blob_path(layout, sha256(raw)).write_bytes(raw)
    manifest = json.loads(image.manifest.raw)
    manifest["config"] |= {"digest": sha256(raw), "size": len(raw)}
    put_manifest(layout, json.dumps(manifest).encode())
    with pytest.raises(InvalidImage, match="2 diff IDs"):
        open_image(at(layout))


# Case 9


def test_a_document_with_manifests_and_layers_is_refused(layout):
    both = json.loads(tiny({"a": b"1"}).manifest.raw) | {"manifests": []}
    put_manifest(layout, json.dumps(both).encode())
    with pytest.raises(InvalidImage, match="CVE-2021-41190"):
        open_image(at(layout))


@pytest.mark.parametrize("own", [OCI_INDEX, "application/vnd.docker.distribution.manifest.v2+json"])
def test_a_document_that_calls_itself_something_else_is_refused(layout, own):
    forged = json.loads(tiny({"a": b"1"}).manifest.raw) | {"mediaType": own}
    put_manifest(layout, json.dumps(forged).encode())
    with pytest.raises(InvalidImage, match="CVE-2021-41190"):
        open_image(at(layout))


def test_an_index_json_that_is_a_manifest_is_refused(layout):
    (layout / "index.json").write_bytes(tiny({"a": b"1"}).manifest.raw)
    with pytest.raises(InvalidImage):
        open_image(at(layout))


# Case 10


@pytest.mark.parametrize("name", ["oci-layout", "index.json"])
def test_a_huge_document_is_not_read(layout, name):
    with open(layout / name, "r+b") as document:
        document.truncate(64 << 30)
    tracemalloc.start()
    with pytest.raises(LimitExceeded, match="json_bytes"):
        open_image(at(layout))
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("which", ["manifest", "config"])
def test_a_huge_manifest_or_config_is_not_read(layout, which):
    image = open_image(at(layout))
    old = image.manifest.descriptor if which == "manifest" else image.manifest.config
    with open(blob_path(layout, old.digest), "r+b") as document:
        document.truncate(64 << 30)
    if which == "manifest":
        set_index(layout, manifests=[old.to_json() | {"size": 64 << 30}])
    else:
        manifest = json.loads(image.manifest.raw)
        manifest["config"]["size"] = 64 << 30
        put_manifest(layout, json.dumps(manifest).encode())
    with pytest.raises(LimitExceeded, match="json_bytes"):
        open_image(at(layout))


def test_nesting_is_bounded(layout):
    (layout / "index.json").write_bytes(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    with pytest.raises(LimitExceeded, match="json_depth"):
        open_image(at(layout))


def test_indexes_within_indexes_are_bounded(layout):
    entry = open_image(at(layout)).manifest.descriptor.to_json()
    for _ in range(20):
        raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
        blob_path(layout, sha256(raw)).write_bytes(raw)
        entry = Descriptor(OCI_INDEX, sha256(raw), len(raw)).to_json()
    set_index(layout, manifests=[entry])
    with pytest.raises(LimitExceeded, match="index_depth"):
        open_image(at(layout))


def test_an_index_of_too_many_entries_is_refused(layout):
    entry = open_image(at(layout)).manifest.descriptor.to_json()
    set_index(layout, manifests=[entry] * 1001)
    with pytest.raises(LimitExceeded, match="layers"):
        open_image(at(layout))


def test_a_limit_can_be_raised(layout):
    entry = open_image(at(layout)).manifest.descriptor.to_json()
    set_index(layout, manifests=[entry] * 1001)
    assert open_image(at(layout), Access(limits=Limits(layers=2000))).layers


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b"nul",
        b'{"manifests": 1}',
        b'{"manifests": [1]}',
        b'{"manifests": [{}]}',
        b'{"manifests": null}',
        b"\xff\xfe",
        b'{"manifests": [{"digest": "sha256:%s", "size": -1}]}' % (b"0" * 64),
        b'{"manifests": [{"digest": "sha256:%s", "size": 1e99}]}' % (b"0" * 64),
        b'{"manifests": [{"digest": "sha256:%s", "size": 1, "annotations": {"a": 1}}]}' % (b"0" * 64),
    ],
)
def test_nonsense_ends_in_one_of_our_errors(layout, document):
    (layout / "index.json").write_bytes(document)
    began = time.monotonic()
    with pytest.raises(SlimmlError):
        open_image(at(layout))
    assert time.monotonic() - began < 5


def test_terminal_escapes_of_a_name_stay_in_one_line(layout):
    entry = open_image(at(layout)).manifest.descriptor.to_json()
    names = ["\x1b[2J\nfake: all is well", "other"]
    other = entry | {"digest": sha256(b"x")}
    entries = [
        e | {"annotations": {"org.opencontainers.image.ref.name": n}}
        for e, n in zip([entry, other], names, strict=True)
    ]
    set_index(layout, manifests=entries)
    with pytest.raises(SlimmlError) as caught:
        open_image(at(layout))
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
