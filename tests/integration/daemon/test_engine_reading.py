"""The engine's own files, its saved archive and Python's tarfile tell the same of an image."""

import hashlib
import io
import json
import os
import tarfile

import pytest
from told_events import Told

from slimml.errors import InvalidImage, NotFound
from slimml.oci.image import Image
from slimml.oci.places.daemon import open_image
from slimml.oci.places.daemon.saved.layers import SavedLayers
from slimml.oci.places.daemon.store.layers import LayerStore
from slimml.oci.reference import parse_reference
from slimml.oci.scan import scan_layer
from slimml.oci.tar.events import Kind
from slimml.oci.verified_layer import verified_layer

MOTLEY = parse_reference("docker-daemon:motley:1")


def listed(image: Image) -> dict[str, Told]:
    """What a listing tells of each layer, by diff ID."""
    told: dict[str, Told] = {layer.diff_id: Told() for layer in image.layers}
    assert image.listing is not None
    image.listing.scan(
        {layer.diff_id: layer for layer in image.layers}.values(), lambda layer: told[layer.diff_id], _told
    )
    return told


def _told(amount: int) -> None:
    assert amount >= 0


def saved_layers(archive: bytes) -> dict[str, bytes]:
    """The layers' tars of a saved archive by diff ID, without slimml."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        contents = [members.extractfile(item).read() for item in members if item.name.endswith(".tar") and item.isreg()]
    return {"sha256:" + hashlib.sha256(content).hexdigest(): content for content in contents}


def by_tarfile(layer: bytes) -> list[tuple[object, ...]]:
    """Path, kind, size, mode, owner, time and link of each entry as Python's tarfile reads them."""
    kinds = {
        tarfile.REGTYPE: Kind.FILE,
        tarfile.DIRTYPE: Kind.DIRECTORY,
        tarfile.SYMTYPE: Kind.SYMLINK,
        tarfile.LNKTYPE: Kind.HARDLINK,
        tarfile.FIFOTYPE: Kind.FIFO,
        tarfile.CHRTYPE: Kind.CHARACTER,
    }
    with tarfile.open(fileobj=io.BytesIO(layer), errors="surrogateescape") as members:
        return [
            (
                item.name,
                kinds[item.type],
                item.size,
                item.mode & 0o7777,
                item.uid,
                item.gid,
                int(item.mtime),
                item.linkname,
            )
            for item in members
        ]


def shape(told: Told) -> list[tuple[object, ...]]:
    return [(e.path, e.kind, e.size, e.mode, e.uid, e.gid, e.mtime, e.link) for e in told.entries]


@pytest.fixture(params=[True, False], ids=["store", "save"])
def read_store(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_the_config_has_the_bytes_that_its_id_names(engine, read_store):
    image = open_image(MOTLEY, engine.access(read_store=read_store))
    assert image.config.digest == engine.api.image_id("motley:1")


def test_root_reads_the_store_and_is_kept_from_it_by_access(engine):
    assert isinstance(open_image(MOTLEY, engine.access()).listing, LayerStore)
    assert isinstance(open_image(MOTLEY, engine.access(read_store=False)).listing, SavedLayers)


def test_an_image_id_opens_the_same_image(engine):
    by_id = parse_reference(f"docker-daemon:{engine.api.image_id('motley:1')}")
    assert open_image(by_id, engine.access()).config == open_image(MOTLEY, engine.access()).config


def test_store_and_save_tell_the_same_entries(engine):
    from_store = listed(open_image(MOTLEY, engine.access()))
    from_save = listed(open_image(MOTLEY, engine.access(read_store=False)))
    assert {d: told.entries for d, told in from_store.items()} == {d: told.entries for d, told in from_save.items()}
    assert {d: told.tar_bytes for d, told in from_store.items()} == {d: told.tar_bytes for d, told in from_save.items()}


def test_the_listing_agrees_with_tarfile(engine, read_store):
    layers = saved_layers(engine.api.save("motley:1"))
    told = listed(open_image(MOTLEY, engine.access(read_store=read_store)))
    assert {d: shape(one) for d, one in told.items()} == {d: by_tarfile(tar) for d, tar in layers.items()}


def test_every_layer_opens_as_the_tar_of_its_diff_id(engine, read_store):
    image = open_image(MOTLEY, engine.access(read_store=read_store))
    layers = saved_layers(engine.api.save("motley:1"))
    for layer in reversed(image.layers):
        with verified_layer(layer) as stream:
            assert stream.read() == layers[layer.diff_id]


@pytest.mark.parametrize("offset", [0, 1, 511, 512, 100_000, 10**9])
def test_a_layer_opens_in_its_middle(engine, read_store, offset):
    image = open_image(MOTLEY, engine.access(read_store=read_store))
    layers = saved_layers(engine.api.save("motley:1"))
    for layer in image.layers:
        with layer.open(offset) as stream:
            assert stream.read() == layers[layer.diff_id][offset:]


def test_scanning_a_layer_alone_tells_what_the_listing_tells(engine, read_store):
    image = open_image(MOTLEY, engine.access(read_store=read_store))
    alone = Told()
    scan_layer(image.layers[0], alone, hash_tar=True)
    assert alone.entries == listed(image)[image.layers[0].diff_id].entries


def test_a_layer_that_occurs_twice_is_listed_once(engine, read_store):
    image = open_image(MOTLEY, engine.access(read_store=read_store))
    assert len(listed(image)) < len(image.layers)


def test_files_that_the_store_only_tells_of_can_be_opened(engine):
    image = open_image(MOTLEY, engine.access())
    openers = []

    class Opening(Told):
        def elsewhere(self, entry, crc64, opener):
            openers.append((entry.path, opener))

    image.listing.scan(image.layers, lambda layer: Opening(), _told)
    contents = {}
    for path, opener in openers:
        with opener() as file:
            contents[path] = file.read()
    expected: dict[str, bytes] = {}
    for told in listed(open_image(MOTLEY, engine.access(read_store=False))).values():
        expected |= {path: content for path, content in told.contents.items() if content}
    assert contents == expected


def test_listing_the_store_reads_no_content(engine):
    told = listed(open_image(MOTLEY, engine.access()))
    assert all(content == b"" for one in told.values() for content in one.contents.values())


def test_the_saved_config_is_found_once_and_then_remembered(engine, tmp_path):
    first = open_image(MOTLEY, engine.access(read_store=False)).config
    kept = list((tmp_path / "cache" / "configs").iterdir())
    assert [path.read_bytes() for path in kept] == [first.raw]


def test_a_damaged_remembered_config_is_not_believed(engine, tmp_path):
    first = open_image(MOTLEY, engine.access(read_store=False)).config
    for path in (tmp_path / "cache" / "configs").iterdir():
        path.write_bytes(json.dumps({"rootfs": {}}).encode())
    assert open_image(MOTLEY, engine.access(read_store=False)).config == first


def own_image(docker, name: str) -> tuple[Image, str]:
    """An image of its own layer in Docker's store, and the directory where that layer's files are."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("secret")
        content = name.encode() * 1000
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    docker.api.import_tar(name, out.getvalue())
    image = open_image(parse_reference(f"docker-daemon:{name}"), docker.access())
    data = json.loads(docker.api.call("GET", f"/images/{name}/json"))["GraphDriver"]["Data"]
    return image, data["UpperDir"]


def test_a_changed_file_of_the_store_does_not_pass_for_the_layer(docker):
    image, files = own_image(docker, "changed:1")
    with open(f"{files}/secret", "r+b") as file:
        file.write(b"C")
    with pytest.raises(InvalidImage, match="other content"), verified_layer(image.layers[0]) as stream:
        stream.read()


def test_a_file_of_the_store_that_became_a_link_is_not_followed(docker, tmp_path):
    image, files = own_image(docker, "linked:1")
    (tmp_path / "outside").write_bytes(b"linked:1" * 1000)
    os.unlink(f"{files}/secret")
    os.symlink(tmp_path / "outside", f"{files}/secret")
    with pytest.raises(InvalidImage, match="symbolic link"), image.layers[0].open() as stream:
        stream.read()


def test_a_file_of_the_store_that_became_shorter_is_told(docker):
    image, files = own_image(docker, "shorter:1")
    os.truncate(f"{files}/secret", 10)
    with pytest.raises(InvalidImage, match="ends after 10"), image.layers[0].open() as stream:
        stream.read()


def test_without_root_the_api_is_read(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("SLIMML_CACHE_DIR", "/nonexistent")
    os.chmod(engine.directory, 0o711)
    os.chmod(engine.api.socket_path, 0o666)
    os.seteuid(65534)
    try:
        image = open_image(MOTLEY, engine.access())
        names = sorted(entry.path for told in listed(image).values() for entry in told.entries)
    finally:
        os.seteuid(0)
        os.chmod(engine.api.socket_path, 0o600)
    assert isinstance(image.listing, SavedLayers)
    assert "etc/one" in names


def test_an_image_removed_meanwhile_is_told(docker):
    image, _ = own_image(docker, "removed:1")
    docker.api.remove("removed:1")
    with pytest.raises(NotFound):
        image.layers[0].open()
