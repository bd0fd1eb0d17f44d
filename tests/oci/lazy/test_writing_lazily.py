"""Layers as eStargz and zstd:chunked: the same tar for every client, the same bytes for any number of processors."""

import hashlib
import io
import tarfile

import pytest
from lazy_layers import blob_of, chunked_toc, encoded, estargz_toc, plain_tar
from rich_image import TIME, lower_layer, member, noise, rich, tar_of
from tiny_image import read_layers, tiny

from slimml.oci.lazy.formats import OLD_CHECKSUM, OLD_POSITION, OWN_NAMES, TOC_DIGEST, LazyFormat, format_of
from slimml.oci.media_types import OCI_MANIFEST, Compression

FORMATS = list(LazyFormat)


def members_of(tar):
    """{name: (all of its header, its content)}"""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {
            info.name: (info.get_info() | info.pax_headers, archive.extractfile(info).read() if info.isreg() else b"")
            for info in archive
        }


@pytest.fixture(scope="module")
def image():
    return rich()


def one_layer(members, **more):
    return tiny(tar_of(members), **more)


def test_zstd_chunked_keeps_the_tar_byte_for_byte(image, tmp_path):
    made = encoded(tmp_path, image, "zstd-chunked").image
    assert [plain_tar(layer) for layer in made.layers] == read_layers(image)


def test_zstd_chunked_keeps_the_configuration_byte_for_byte(image, tmp_path):
    assert encoded(tmp_path, image, "zstd-chunked").image.config.raw == image.config.raw


def test_estargz_adds_its_own_entries_and_changes_none(image, tmp_path):
    for old, new in zip(read_layers(image), encoded(tmp_path, image, "estargz").image.layers, strict=True):
        found = members_of(plain_tar(new))
        assert found.keys() - members_of(old).keys() == {"stargz.index.json", ".no.prefetch.landmark"}
        assert {name: one for name, one in found.items() if name not in OWN_NAMES} == members_of(old)


def test_estargz_tells_the_diff_ids_of_its_tars(image, tmp_path):
    made = encoded(tmp_path, image, "estargz").image
    digests = tuple(f"sha256:{hashlib.sha256(plain_tar(layer)).hexdigest()}" for layer in made.layers)
    assert made.config.diff_ids == tuple(layer.diff_id for layer in made.layers) == digests


@pytest.mark.parametrize("wanted", FORMATS)
def test_the_bytes_are_the_same_for_any_number_of_threads(image, tmp_path, wanted):
    made = [encoded(tmp_path / str(n), image, wanted, threads=n).image.manifest.digest for n in (1, 2, 5)]
    assert len(set(made)) == 1


@pytest.mark.parametrize("wanted", FORMATS)
def test_an_image_of_docker_becomes_one_of_oci_which_has_room_for_annotations(tmp_path, wanted):
    made = encoded(tmp_path, tiny({"a": b"1"}, docker=True), wanted).image
    assert made.manifest.media_type == OCI_MANIFEST
    assert format_of(made.manifest.layers[0]) is wanted


@pytest.mark.parametrize("compression", list(Compression))
@pytest.mark.parametrize("wanted", FORMATS)
def test_how_the_source_was_stored_makes_no_difference(tmp_path, wanted, compression):
    made = encoded(tmp_path, tiny(lower_layer(), compression=compression), wanted).image
    plain = encoded(tmp_path, tiny(lower_layer()), wanted).image
    assert made.manifest.layers == plain.manifest.layers


def test_files_in_order_of_use_come_first_behind_their_directories(tmp_path):
    image = tiny(lower_layer())
    made = encoded(tmp_path, image, "estargz", order={0: ["lib/file7", "opt/Größe/daten", "not/there"]}).image
    names = list(members_of(plain_tar(made.layers[0])))
    assert names[:7] == [".", "lib", "lib/file7", "opt", "opt/Größe", "opt/Größe/daten", ".prefetch.landmark"]


def test_a_hard_link_in_the_order_takes_what_it_links_to_along(tmp_path):
    made = encoded(tmp_path, tiny(lower_layer()), "estargz", order={0: ["etc/hard"]}).image
    names = list(members_of(plain_tar(made.layers[0])))
    assert names[:5] == [".", "etc", "etc/motd", "etc/hard", ".prefetch.landmark"]


def test_without_an_order_a_landmark_says_that_nothing_is_fetched_ahead(tmp_path):
    made = encoded(tmp_path, tiny({"a": b"1"}), "estargz").image
    assert [entry["name"] for entry in estargz_toc(made.layers[0])["entries"]] == ["./", ".no.prefetch.landmark", "a"]


def test_a_layer_of_which_nothing_is_used_says_the_same_beside_one_that_has_an_order(tmp_path):
    made = encoded(tmp_path, tiny({"a": b"1"}, {"b": b"2"}), "estargz", order={0: ["a"]}).image
    assert ["no.prefetch.landmark" in plain_tar(layer).decode() for layer in made.layers] == [False, True]


def test_an_estargz_layer_encoded_again_has_one_table(image, tmp_path):
    once = encoded(tmp_path, tiny(lower_layer()), "estargz").image
    again = encoded(tmp_path, once, "estargz", order={0: ["app.py"]}).image
    with tarfile.open(fileobj=io.BytesIO(plain_tar(again.layers[0]))) as archive:
        names = archive.getnames()
    assert [name for name in names if name in OWN_NAMES] == [".prefetch.landmark", "stargz.index.json"]


@pytest.mark.parametrize("wanted", FORMATS)
def test_a_layer_that_has_the_format_is_left_as_it_is(image, tmp_path, wanted):
    once = encoded(tmp_path, image, wanted).image
    assert encoded(tmp_path, once, wanted).image.manifest.raw == once.manifest.raw


def test_layers_of_the_base_stay_as_they_are(image, tmp_path):
    made = encoded(tmp_path, image, "zstd-chunked", leave=1).image
    assert made.manifest.layers[0] == image.manifest.layers[0]
    assert format_of(made.manifest.layers[1]) is LazyFormat.ZSTD_CHUNKED


def test_a_large_file_has_chunks_of_four_mebibytes(tmp_path):
    made = encoded(tmp_path, tiny({"big": noise(9_000_000, 1)}), "zstd-chunked").image
    entries = [entry for entry in chunked_toc(made.layers[0])["entries"] if entry["name"] == "big"]
    assert [entry["chunkSize"] for entry in entries] == [4 << 20, 4 << 20, 9_000_000 - (8 << 20)]
    assert [entry.get("chunkOffset", 0) for entry in entries] == [0, 4 << 20, 8 << 20]


@pytest.fixture
def owned(tmp_path):
    """A layer with a file of user 5."""
    return encoded(tmp_path, one_layer([member("a", b"1", uid=5)]), "zstd-chunked").image.layers[0]


def test_old_readers_get_words_and_a_root_that_they_look_for(owned):
    entries = {entry["name"]: entry for entry in chunked_toc(owned, OLD_POSITION)["entries"]}
    assert list(entries) == ["./", "a"]
    assert (entries["a"]["UID"], entries["a"]["ModTime"]) == (5, "2023-11-14T22:13:20Z")


def test_new_readers_get_exactly_the_entries_of_the_tar(owned):
    assert [entry["name"] for entry in chunked_toc(owned)["entries"]] == ["a"]


def test_a_directory_without_an_entry_is_no_matter_for_estargz(tmp_path):
    made = encoded(tmp_path, tiny({"a/b": b"1"}), "estargz").image.layers[0]
    assert format_of(made.descriptor) is LazyFormat.ESTARGZ


def test_a_directory_without_an_entry_keeps_a_layer_from_zstd_chunked(tmp_path):
    made = encoded(tmp_path, tiny({"a/b": b"1"}), "zstd-chunked")
    assert format_of(made.image.layers[0].descriptor) is None
    assert "the directory 'a' has no entry, and partial pulls make it inaccessible" in made.remarks[0]


@pytest.mark.parametrize(
    ("name", "link"), [("back\\slash", ""), ('quo"te', ""), ("odd", "a//b"), ("also-odd", "./a")], ids=str
)
def test_what_old_readers_get_wrong_is_not_announced_to_them(tmp_path, name, link):
    kind = tarfile.SYMTYPE if link else tarfile.REGTYPE
    layer = encoded(tmp_path, one_layer([member(name, kind=kind, linkname=link)]), "zstd-chunked").image.layers[0]
    assert format_of(layer.descriptor) is LazyFormat.ZSTD_CHUNKED
    assert OLD_CHECKSUM not in layer.descriptor.annotations


ODD = {
    "a device": [member("null", kind=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "a pipe": [member("pipe", kind=tarfile.FIFOTYPE)],
    "the same name twice": [member("a", b"1"), member("./a", b"2")],
    "a hard link to another layer": [member("b", kind=tarfile.LNKTYPE, linkname="a")],
    "a name that is not UTF-8": [member("a\udcff", b"1")],
    "an empty attribute": [member("a", b"1", pax_headers={"SCHILY.xattr.user.x": ""})],
}


@pytest.mark.parametrize("wanted", FORMATS)
@pytest.mark.parametrize("odd", ODD)
def test_what_a_format_cannot_say_stays_an_ordinary_layer_and_is_told(tmp_path, odd, wanted):
    image = one_layer(ODD[odd])
    made = encoded(tmp_path, image, wanted)
    assert made.image.manifest.layers == image.manifest.layers
    assert made.remarks[0].startswith("layer 0 is stored as an ordinary gzip layer: ")


@pytest.mark.parametrize("wanted", FORMATS)
def test_an_ordinary_layer_that_was_not_compressed_is(tmp_path, wanted):
    image = one_layer(ODD["a pipe"], compression=Compression.NONE)
    made = encoded(tmp_path, image, wanted).image.layers[0]
    assert made.compression is wanted.compression
    assert format_of(made.descriptor) is None
    assert plain_tar(made) == read_layers(image)[0]


@pytest.mark.parametrize("wanted", FORMATS)
def test_a_layer_without_entries_is_encoded_too(tmp_path, wanted):
    made = encoded(tmp_path, tiny(bytes(1024)), wanted).image
    assert format_of(made.manifest.layers[0]) is wanted


@pytest.mark.parametrize("wanted", FORMATS)
def test_fractions_of_a_second_are_kept(tmp_path, wanted):
    image = one_layer([member("a", b"1", mtime=TIME + 0.25)])
    layer = encoded(tmp_path, image, wanted).image.layers[0]
    toc = estargz_toc(layer) if wanted is LazyFormat.ESTARGZ else chunked_toc(layer)
    assert toc["entries"][-1]["modtime"] == "2023-11-14T22:13:20.25Z"


def test_estargz_ends_in_a_member_that_says_where_its_table_is(tmp_path):
    raw = blob_of(encoded(tmp_path, tiny({"a": b"1"}), "estargz").image.layers[0])
    assert raw[-51:-35] == b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\x00SG\x16\x00"
    assert raw[int(raw[-35:-19], 16) :].startswith(b"\x1f\x8b")
    assert raw[-19:-13] == b"STARGZ"


def test_annotations_of_the_source_stay_but_for_those_of_another_format(tmp_path):
    once = encoded(tmp_path, tiny({"a": b"1"}), "estargz").image
    again = encoded(tmp_path, once, "zstd-chunked").image
    assert TOC_DIGEST not in again.manifest.layers[0].annotations
