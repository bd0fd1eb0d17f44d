"""Archives as engines save them, of versions that are not installed here, well formed and hostile."""

import io
import json
import tarfile
from dataclasses import dataclass, field, replace

import pytest
from tiny_image import tiny
from told_events import Told

from slimml.errors import InvalidImage, LimitExceeded, NotFound
from slimml.oci.digest import hex_of, sha256
from slimml.oci.image import Image
from slimml.oci.limits import Limits
from slimml.oci.media_types import OCI_INDEX, Compression
from slimml.oci.places.daemon.api.address import Address
from slimml.oci.places.daemon.api.ask import Inspected
from slimml.oci.places.daemon.saved.layers import saved_image
from slimml.oci.platform import Platform
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import Access
from slimml.oci.verified_layer import verified_layer

REFERENCE = parse_reference("docker-daemon:tiny:1")
ACCESS = Access(platform=Platform("linux", "amd64"))


@dataclass
class Recorded:
    """An engine that saves always the same archive; counts how often."""

    archive: bytes
    address: Address = field(default_factory=lambda: Address("unix:///recorded"))
    saves: int = 0

    def save(self, name: str) -> io.BytesIO:
        self.saves += 1
        return io.BytesIO(self.archive)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("SLIMML_CACHE_DIR", str(tmp_path))


def tar(members: dict[str, bytes]) -> bytes:
    """Docker's archives are made of a directory walked in the order of names."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in sorted(members):
            member = tarfile.TarInfo(name)
            member.size = len(members[name])
            archive.addfile(member, io.BytesIO(members[name]))
    return out.getvalue()


def blobs(image: Image) -> dict[str, bytes]:
    return {f"blobs/sha256/{hex_of(digest)}": data for digest, data in image.layers[0].blobs.content.items()}


def docker_25(image: Image) -> bytes:
    """Docker 25 to 28 with its own store: an OCI layout of plain layers, with the old manifest.json."""
    layers = [f"blobs/sha256/{hex_of(layer.diff_id)}" for layer in image.layers]
    listed = [{"Config": f"blobs/sha256/{hex_of(image.config.digest)}", "RepoTags": ["tiny:1"], "Layers": layers}]
    return tar(blobs(image) | {"manifest.json": json.dumps(listed).encode(), "oci-layout": b"{}", "index.json": b"{}"})


def docker_29(image: Image, *more: bytes) -> bytes:
    """Docker with containerd's store: an OCI layout of the blobs as they were pulled."""
    documents = {f"blobs/sha256/{hex_of(sha256(raw))}": raw for raw in (image.manifest.raw, *more)}
    return tar(blobs(image) | documents | {"oci-layout": b"{}", "index.json": b"{}"})


def other_engine(image: Image) -> bytes:
    """An archive whose names tell nothing; only manifest.json, after the layers, does."""
    contents = list(image.layers[0].blobs.content.items())
    layers = {f"layer-{n}": data for n, (digest, data) in enumerate(contents) if digest != image.config.digest}
    listed = [{"Config": "config", "RepoTags": ["tiny:1"], "Layers": list(layers)}]
    config = {f"{hex_of(image.config.digest)}.json": image.config.raw}
    return tar(layers | config | {"manifest.json": json.dumps(listed).encode()})


PLAIN = tiny({"a": b"1" * 3000}, {"b": b"2"}, {"c": b"3"}, compression=Compression.NONE)
GZIP = tiny({"a": b"1" * 3000}, {"b": b"2"}, {"c": b"3"}, compression=Compression.GZIP)


def opened(
    archive: bytes, image: Image, image_id: str | None = None, access: Access = ACCESS
) -> tuple[Image, Recorded]:
    engine = Recorded(archive)
    found = Inspected(image_id or image.config.digest, image.config.diff_ids, "", None)
    return saved_image(engine, found, REFERENCE, access), engine


CASES = {
    "docker 25": (docker_25(PLAIN), PLAIN, PLAIN.config.digest),
    "docker 29": (docker_29(GZIP), GZIP, GZIP.manifest.digest),
    "another": (other_engine(PLAIN), PLAIN, PLAIN.config.digest),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    return request.param


def test_the_config_is_the_one_that_was_saved(case):
    archive, image, image_id = case
    assert opened(archive, image, image_id)[0].config.raw == image.config.raw


def test_every_layer_opens(case):
    archive, image, image_id = case
    found, _ = opened(archive, image, image_id)
    for layer, original in zip(found.layers, image.layers, strict=True):
        with verified_layer(layer) as stream:
            assert stream.read() == image.layers[0].blobs.content[original.descriptor.digest]


def test_the_listing_tells_every_layer(case):
    archive, image, image_id = case
    found, _ = opened(archive, image, image_id)
    told = {layer.diff_id: Told() for layer in found.layers}
    facts = found.listing.scan(found.layers, lambda layer: told[layer.diff_id], lambda amount: None)
    assert [[entry.path for entry in told[layer.diff_id].entries] for layer in found.layers] == [["a"], ["b"], ["c"]]
    assert {diff_id: fact.diff_id for diff_id, fact in facts.items()} == {d: d for d in image.config.diff_ids}


def test_the_manifest_of_containerds_store_is_kept():
    assert opened(docker_29(GZIP), GZIP, GZIP.manifest.digest)[0].manifest.raw == GZIP.manifest.raw


def index_of(*platforms: tuple[Image, str]) -> bytes:
    entries = [
        image.manifest.descriptor.to_json() | {"platform": {"os": "linux", "architecture": architecture}}
        for image, architecture in platforms
    ]
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


def test_an_index_leads_to_the_platform_asked_for():
    index = index_of((tiny({"other": b""}), "arm64"), (GZIP, "amd64"))
    assert opened(docker_29(GZIP, index), GZIP, sha256(index))[0].manifest.raw == GZIP.manifest.raw


def test_an_index_without_the_platform_is_not_found():
    index = index_of((GZIP, "arm64"))
    with pytest.raises(NotFound, match="linux/arm64"):
        opened(docker_29(GZIP, index), GZIP, sha256(index))


def test_listing_takes_one_reading():
    found, engine = opened(docker_25(PLAIN), PLAIN)
    before = engine.saves
    found.listing.scan(found.layers, lambda layer: Told(), lambda amount: None)
    assert engine.saves == before + 1


def test_layers_opened_in_the_archives_order_take_one_reading():
    found, engine = opened(docker_25(PLAIN), PLAIN)
    before = engine.saves
    for layer in sorted(found.layers, key=lambda layer: layer.diff_id):
        with layer.open() as stream:
            stream.read()
    assert engine.saves == before + 1


def test_two_layers_can_be_open_at_once():
    found, _ = opened(docker_25(PLAIN), PLAIN)
    with found.layers[0].open() as first, found.layers[1].open() as second:
        heads = first.read(100), second.read(100)
    originals = [PLAIN.layers[0].blobs.content[layer.diff_id][:100] for layer in PLAIN.layers[:2]]
    assert list(heads) == originals


def test_an_archive_without_the_config_is_invalid():
    with pytest.raises(InvalidImage, match="does not have its config"):
        opened(tar({"manifest.json": b"[]"}), PLAIN)


def test_a_config_of_other_content_is_not_taken():
    members = {f"{hex_of(PLAIN.config.digest)}.json": b'{"rootfs": {}}'}
    with pytest.raises(InvalidImage, match="does not have its config"):
        opened(tar(members), PLAIN)


def test_an_archive_without_a_layer_is_invalid():
    short = blobs(PLAIN)
    short.pop(f"blobs/sha256/{hex_of(PLAIN.layers[1].diff_id)}")
    found, _ = opened(tar(short), PLAIN)
    with pytest.raises(InvalidImage, match="does not have"):
        found.layers[1].open()


def test_a_layer_of_other_content_is_invalid():
    members = blobs(PLAIN)
    name = f"blobs/sha256/{hex_of(PLAIN.layers[1].diff_id)}"
    members[name] = members[name][:-10] + b"?" * 10
    found, _ = opened(tar(members), PLAIN)
    with pytest.raises(InvalidImage, match="other content"):
        found.listing.scan(found.layers, lambda layer: Told(), lambda amount: None)


@pytest.mark.parametrize("cut", [100, 512, 700, 1024])
def test_an_archive_that_is_cut_off_is_invalid(cut):
    with pytest.raises(InvalidImage):
        opened(docker_25(PLAIN)[:cut], PLAIN)


def test_what_is_no_tar_is_invalid():
    with pytest.raises(InvalidImage, match=r"malformed|no tar"):
        opened(b"<html>" * 200, PLAIN)


def test_endless_documents_end_in_a_limit():
    many = {}
    for number in range(40):
        raw = json.dumps({"number": number, "padding": "x" * 1000}).encode()
        many[f"blobs/sha256/{hex_of(sha256(raw))}"] = raw
    limits = Limits(json_bytes=10_000)
    with pytest.raises(LimitExceeded, match="json_bytes"):
        opened(tar(many), PLAIN, access=replace(ACCESS, limits=limits))


def test_a_large_config_is_not_taken_into_memory():
    limits = Limits(json_bytes=100)
    with pytest.raises(LimitExceeded, match="json_bytes"):
        opened(docker_25(PLAIN), PLAIN, access=replace(ACCESS, limits=limits))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id":1,"parent":{}}', b"\xff", b'{"a"', b"null", b"[" * 5000])
def test_a_malformed_legacy_document_tells_nothing(content):
    directory = "0" * 64
    members = blobs(PLAIN) | {f"{directory}/json": content, f"{directory}/layer.tar": b"x" * 600}
    found, _ = opened(tar(members), PLAIN)
    told = {layer.diff_id: Told() for layer in found.layers}
    assert len(found.listing.scan(found.layers, lambda layer: told[layer.diff_id], lambda amount: None)) == 3


@pytest.mark.parametrize("content", [b"", b"{}", b'[{"Layers": 5}]', b'[{"Layers": [1, 2, 3]}]', b"[[]]", b"[" * 5000])
def test_a_malformed_list_of_images_tells_nothing(content):
    found, _ = opened(tar(blobs(PLAIN) | {"manifest.json": content}), PLAIN)
    assert len(found.listing.scan(found.layers, lambda layer: Told(), lambda amount: None)) == 3
