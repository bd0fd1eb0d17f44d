"""Images go into a real registry and come back the same."""

import json
from dataclasses import replace

import pytest

from slimml.errors import InvalidImage, NotFound, Refused, Unsupported
from slimml.oci.descriptor import UNKNOWN_SIZE
from slimml.oci.digest import sha256
from slimml.oci.image import assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import DOCKER_FOREIGN_LAYER, OCI_INDEX
from slimml.oci.places.registry import open_image, write_image
from slimml.oci.places.registry.client import Client
from slimml.oci.places.registry.repository import Repository


def everything(image):
    return [layer.open().read() for layer in image.layers]


def test_what_is_pushed_is_what_comes_back(registry, make_image, named, access):
    image = make_image("a", "b")
    receipt = write_image(image, named(registry, "app:1"), access)
    found = open_image(named(registry, "app:1"), access)
    assert (found.manifest.raw, found.config.raw) == (image.manifest.raw, image.config.raw)
    assert receipt.digest == image.manifest.digest
    assert everything(found) == everything(image)


def test_a_blob_opens_in_the_middle(registry, make_image, named, access):
    image = make_image("a", size=100_000)
    write_image(image, named(registry, "app:1"), access)
    layer = open_image(named(registry, "app:1"), access).layers[0]
    with layer.open(50_000) as part, image.layers[0].open() as whole:
        assert part.read() == whole.read()[50_000:]


def test_a_blob_opened_at_its_end_is_empty(registry, make_image, named, access):
    write_image(make_image("a"), named(registry, "app:1"), access)
    layer = open_image(named(registry, "app:1"), access).layers[0]
    with layer.open(layer.descriptor.size) as stream:
        assert stream.read(10) == b""


def test_the_second_push_sends_the_manifest_alone(registry, make_image, named, access):
    image = make_image("a", "b")
    write_image(image, named(registry, "app:1"), access)
    again = write_image(image, named(registry, "app:2"), access)
    assert again.written_bytes == len(image.manifest.raw)
    assert again.reused_bytes == image.compressed_bytes + len(image.config.raw)


def test_layers_of_another_repository_are_mounted(registry, make_image, named, access):
    image = make_image("a", size=50_000)
    write_image(image, named(registry, "base:1"), access)
    found = open_image(named(registry, "base:1"), access)
    receipt = write_image(found, named(registry, "team/app:1"), access)
    assert receipt.reused_bytes >= image.compressed_bytes
    assert everything(open_image(named(registry, "team/app:1"), access)) == everything(image)


def test_a_tag_is_moved(registry, make_image, named, access):
    write_image(make_image("a"), named(registry, "app:1"), access)
    second = make_image("b")
    write_image(second, named(registry, "app:1"), access)
    assert open_image(named(registry, "app:1"), access).manifest.digest == second.manifest.digest


def test_an_image_is_pushed_and_opened_by_digest(registry, make_image, named, access):
    image = make_image("a")
    target = named(registry, f"app@{image.manifest.digest}")
    write_image(image, target, access)
    assert open_image(target, access).manifest.digest == image.manifest.digest


def test_another_digest_than_the_image_has_is_refused_before_anything_is_sent(registry, make_image, named, access):
    with pytest.raises(Refused, match="name it by a tag"):
        write_image(make_image("a"), named(registry, f"app@{sha256(b'other')}"), access)


def test_sizes_that_only_reading_tells_are_in_the_manifest_that_was_pushed(registry, make_image, named, access):
    image = make_image("a")
    layer = replace(image.manifest.layers[0], size=UNKNOWN_SIZE)
    manifest = replace(image.manifest, layers=(layer,))
    vague = assemble(image.reference, manifest, image.config, image.layers[0].blobs)
    write_image(vague, named(registry, "app:1"), access)
    assert open_image(named(registry, "app:1"), access).manifest.layers == image.manifest.layers


def test_a_missing_tag_is_not_found(registry, make_image, named, access):
    write_image(make_image("a"), named(registry, "app:1"), access)
    with pytest.raises(NotFound, match=rf"{registry}/app: 2: not found"):
        open_image(named(registry, "app:2"), access)


def test_the_platform_is_chosen_through_nested_indexes(registry, make_image, named, access):
    repository = Repository(Client(named(registry, "app").name, access))
    arm, amd = make_image("a", architecture="arm64"), make_image("a")
    for image in (arm, amd):
        write_image(image, named(registry, f"app@{image.manifest.digest}"), access)
    inner = index([described(arm), described(amd)])
    repository.put_document(inner, OCI_INDEX, sha256(inner))
    outer = index([{"mediaType": OCI_INDEX, "digest": sha256(inner), "size": len(inner)}])
    repository.put_document(outer, OCI_INDEX, "multi")
    assert open_image(named(registry, "app:multi"), access).manifest.digest == amd.manifest.digest


def described(image):
    platform = {"os": "linux", "architecture": image.config.platform.architecture}
    return image.manifest.descriptor.to_json() | {"platform": platform}


def index(manifests):
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}).encode()


def test_a_foreign_layer_stays_where_it_is(registry, make_image, named, access):
    image = make_image("a")
    layer = replace(
        image.manifest.layers[0], media_type=f"{DOCKER_FOREIGN_LAYER}.gzip", urls=("https://example.com/l",)
    )
    manifest = build_manifest(config=image.manifest.config, layers=[layer])
    blobs = image.layers[0].blobs
    write_image(assemble(image.reference, manifest, image.config, blobs), named(registry, "app:1"), access)
    assert blobs.opened == []
    assert open_image(named(registry, "app:1"), access).layers[0].descriptor.urls == ("https://example.com/l",)


def test_an_artifact_is_no_image(registry, make_image, named, access):
    image = make_image("a")
    config = replace(image.manifest.config, media_type="application/vnd.example.thing")
    odd = replace(image, manifest=build_manifest(config=config, layers=image.manifest.layers))
    write_image(odd, named(registry, "app:1"), access)
    with pytest.raises(Unsupported, match=r"artifact of type 'application/vnd.example.thing'"):
        open_image(named(registry, "app:1"), access)


def test_a_layer_with_another_diff_id_is_not_pushed(registry, make_image, named, access):
    image = make_image("a")
    lying = replace(image.layers[0], diff_id=sha256(b"another tar"))
    with pytest.raises(InvalidImage, match="the config says"):
        write_image(replace(image, layers=(lying,)), named(registry, "app:1"), access)
    with pytest.raises(NotFound):
        open_image(named(registry, "app:1"), access)


def test_an_upload_of_an_invalid_layer_leaves_nothing(registry, make_image, named, access):
    image = make_image("a")
    lying = replace(image.layers[0], diff_id=sha256(b"another tar"))
    with pytest.raises(InvalidImage):
        write_image(replace(image, layers=(lying,)), named(registry, "app:1"), access)
    repository = Repository(Client(named(registry, "app").name, access))
    assert repository.blob_size(image.layers[0].descriptor.digest) is None


def test_one_blob_with_two_diff_ids_is_refused(registry, make_image, named, access):
    image = make_image("a")
    lying = replace(image.layers[0], diff_id=sha256(b"another tar"))
    with pytest.raises(InvalidImage, match="two diff IDs"):
        write_image(replace(image, layers=(image.layers[0], lying)), named(registry, "app:1"), access)
