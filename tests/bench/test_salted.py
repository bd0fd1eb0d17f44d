"""Salted copies: other digests, the same content, valid in every way that slimml knows of."""

import io
import itertools
import tarfile
from dataclasses import replace

import pytest
from tiny_image import read_layers, tiny

from slimml.bench.salted import AS_PUSHED, MOST_BLOCKS, saltable, salted, salts
from slimml.errors import InvalidImage, Unsupported
from slimml.oci.blobs import BlobStore
from slimml.oci.media_types import DOCKER_MANIFEST, OCI_MANIFEST, Compression
from slimml.oci.reference import parse_reference
from slimml.oci.validate import validate

KINDS = [Compression.GZIP, Compression.ZSTD, Compression.NONE]
FILES = [{"etc/one": b"1" * 700, "etc/two": b""}, {"app/main.py": b"print(2)\n"}]


@pytest.fixture
def store(tmp_path):
    return BlobStore(tmp_path / "store")


def members(tar):
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return [
            (member.name, member.mode, member.mtime, archive.extractfile(member).read() if member.isreg() else None)
            for member in archive
        ]


@pytest.mark.parametrize("compression", KINDS)
def test_a_copy_unpacks_to_the_same(store, compression):
    image = tiny(*FILES, compression=compression)
    copy = salted(saltable(image, store), 3)
    assert [members(tar) for tar in read_layers(copy)] == [members(tar) for tar in read_layers(image)]


@pytest.mark.parametrize("compression", KINDS)
def test_a_copy_is_a_valid_image(store, compression):
    assert validate(salted(saltable(tiny(*FILES, compression=compression), store), 7)).problems == ()


@pytest.mark.parametrize("compression", KINDS)
def test_nothing_of_a_copy_is_known_from_before(store, compression):
    image = tiny(*FILES, compression=compression)
    whole = saltable(image, store)
    seen = [image, salted(whole, 1), salted(whole, 2)]
    digests = [layer.descriptor.digest for one in seen for layer in one.layers]
    diff_ids = [diff_id for one in seen for diff_id in one.config.diff_ids]
    configs = [one.config.digest for one in seen]
    assert [len(set(found)) for found in (digests, diff_ids, configs)] == [6, 6, 3]


def test_the_same_salt_gives_the_same_copy(store):
    whole = saltable(tiny(*FILES), store)
    assert salted(whole, 5).manifest.digest == salted(whole, 5).manifest.digest


def test_a_salt_costs_next_to_nothing_in_a_compressed_blob(store):
    whole = saltable(tiny(*FILES), store)
    assert sum(layer.descriptor.size for layer in salted(whole, MOST_BLOCKS).layers) < whole.bytes + 3000


def test_what_runs_stays_as_it_was(store):
    image = tiny(*FILES, config={"config": {"Cmd": ["/x"], "Env": ["A=b"]}})
    assert salted(saltable(image, store), 1).config.runtime == image.config.runtime


def test_a_layer_that_occurs_twice_does_so_in_the_copy(store):
    image = tiny(FILES[0], FILES[1], FILES[0])
    digests = [layer.descriptor.digest for layer in salted(saltable(image, store), 1).layers]
    assert (digests[0] == digests[2], digests[0] == digests[1]) == (True, False)


def test_bytes_count_each_blob_once(store):
    image = tiny(FILES[0], FILES[0])
    assert saltable(image, store).bytes == image.layers[0].descriptor.size


def test_the_kind_of_manifest_stays(store):
    whole = saltable(tiny(*FILES, docker=True), store)
    assert salted(whole, 1).manifest.media_type == DOCKER_MANIFEST


def test_docker_s_manifests_have_no_zstd(store):
    whole = saltable(tiny(*FILES, docker=True, compression=Compression.ZSTD), store)
    assert salted(whole, 1).manifest.media_type == OCI_MANIFEST


def test_plain_layers_of_an_engine_are_compressed_as_it_would_push_them(store):
    image = tiny(*FILES, compression=Compression.NONE, docker=True).at(parse_reference("docker-daemon:x:1"))
    copy = salted(saltable(image, store), 1)
    assert {layer.compression for layer in copy.layers} == {AS_PUSHED.compression}


def test_a_packed_copy_is_valid(store):
    image = tiny(*FILES, compression=Compression.NONE, docker=True).at(parse_reference("docker-daemon:x:1"))
    assert validate(salted(saltable(image, store), 9)).problems == ()


def test_a_blob_is_read_from_any_offset(store):
    (layer, *_) = salted(saltable(tiny(*FILES), store), 4).layers
    with layer.open() as stream:
        whole = stream.read()
    for offset in (0, 1, len(whole) - 40, len(whole) - 1, len(whole)):
        with layer.open(offset) as stream:
            assert b"".join(iter(lambda: stream.read(7), b"")) == whole[offset:]


def test_a_layer_with_a_wrong_diff_id_is_refused(store):
    image = tiny(*FILES)
    wrong = replace(image, layers=(replace(image.layers[0], diff_id=image.layers[1].diff_id), image.layers[1]))
    with pytest.raises(InvalidImage, match="the config says"):
        saltable(wrong, store)


def test_layers_that_may_not_be_pushed_are_refused(store):
    image = tiny(FILES[0])
    foreign = replace(
        image.layers[0].descriptor,
        media_type="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    )
    with pytest.raises(Unsupported, match="may not be pushed"):
        saltable(replace(image, layers=(replace(image.layers[0], descriptor=foreign),)), store)


def test_salts_do_not_repeat_until_all_were_used():
    found = list(itertools.islice(salts(), MOST_BLOCKS))
    assert sorted(found) == list(range(1, MOST_BLOCKS + 1))
