"""Lazy layers that lie: validate tells what is wrong, and nothing that they say is believed, followed or kept."""

import copy

import pytest
from lazy_layers import (
    blob_of,
    chunked_toc,
    encoded,
    estargz_toc,
    layer_of,
    plain_tar,
    with_chunked_toc,
    with_estargz_toc,
)
from rich_image import lower_layer, rich
from tiny_image import tiny

from slimml.oci.lazy.check import lazy_claims
from slimml.oci.lazy.formats import NEW_POSITION, OLD_POSITION, TAR_SPLIT_POSITION, TOC_DIGEST, LazyFormat
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.validate import validate

FORMATS = list(LazyFormat)


def problems(layer, limits=DEFAULT_LIMITS):
    """What is wrong with a layer, in one text."""
    return "; ".join(problem for _, problem in lazy_claims(layer, limits) if problem)


@pytest.fixture(scope="module")
def estargz(tmp_path_factory):
    return encoded(tmp_path_factory.mktemp("e"), tiny(lower_layer(files=3, weights=100_000)), "estargz").image.layers[0]


@pytest.fixture(scope="module")
def chunked(tmp_path_factory):
    return encoded(
        tmp_path_factory.mktemp("z"), tiny(lower_layer(files=3, weights=100_000)), "zstd-chunked"
    ).image.layers[0]


def changed(document, which, /, **fields):
    """The document with other fields of one entry."""
    found = copy.deepcopy(document)
    entry = next(entry for entry in found["entries"] if entry["name"] == which)
    entry |= fields
    return found


@pytest.mark.parametrize("wanted", FORMATS)
def test_what_slimml_writes_is_valid(tmp_path, wanted):
    image = encoded(tmp_path, rich(), wanted, order={0: ["app.py"]}).image
    assert validate(image).problems == ()


def test_an_ordinary_layer_makes_no_claims():
    assert lazy_claims(tiny({"a": b"1"}).layers[0], DEFAULT_LIMITS) == []


LIES = {
    "mode": ({"mode": 0o777}, "its mode"),
    "owner": ({"uid": 0}, "its owner"),
    "size": ({"size": 601}, "its size"),
    "digest": ({"digest": "sha256:" + "0" * 64}, "another digest"),
    "chunk digest": ({"chunkDigest": "sha256:" + "0" * 64}, "a chunk of another digest"),
    "time": ({"modtime": "2001-01-01T00:00:00Z"}, "its time"),
    "kind": ({"type": "dir"}, "its kind"),
    "name": ({"name": "etc/else"}, "not in the tar"),
    "attributes": ({"xattrs": {"user.x": "AA=="}}, "its attributes"),
    "attributes in no base64": ({"xattrs": {"user.x": "?"}}, "its attributes"),
    "offset": ({"offset": 5}, "is not found at byte 5"),
    "offset beyond the files": ({"offset": 1 << 40}, "outside of the files' part"),
    "negative offset": ({"offset": -1}, "a negative or absurd number"),
    "offset beyond all numbers": ({"offset": 1 << 80}, "table of contents"),
    "chunks that do not add up": ({"chunkSize": 5}, "do not"),
    "chunk offset": ({"chunkOffset": 7}, "do not follow each other"),
    "way out": ({"name": "../../etc/motd"}, "points out of its directory"),
    "way out by a link": ({"type": "symlink", "linkName": "/"}, "its kind"),
    "text for a number": ({"mode": "0644"}, "cannot be read"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_table_of_estargz_is_told(estargz, lie):
    fields, words = LIES[lie]
    assert words in problems(with_estargz_toc(estargz, changed(estargz_toc(estargz), "etc/motd", **fields)))


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_table_of_zstd_chunked_is_told(chunked, lie):
    fields, words = LIES[lie]
    assert words in problems(with_chunked_toc(chunked, changed(chunked_toc(chunked), "etc/motd", **fields)))


def test_an_end_before_the_content_is_told(chunked):
    document = chunked_toc(chunked)
    end = next(entry for entry in document["entries"] if entry["name"] == "weights")["offset"]
    assert "does not end at byte" in problems(with_chunked_toc(chunked, changed(document, "app.py", endOffset=end)))


def test_an_entry_that_is_missing_in_the_table_is_told(estargz):
    document = estargz_toc(estargz)
    document["entries"] = [entry for entry in document["entries"] if entry["name"] != "app.py"]
    assert "'app.py' is in the tar, and not in the table" in problems(with_estargz_toc(estargz, document))


def test_an_entry_twice_in_the_table_is_told(estargz):
    document = estargz_toc(estargz)
    document["entries"].append(document["entries"][-1])
    assert "is in it twice" in problems(with_estargz_toc(estargz, document))


def test_a_chunk_of_nothing_is_told(estargz):
    document = estargz_toc(estargz)
    document["entries"].insert(0, {"type": "chunk", "name": "x", "offset": 1})
    assert "is a chunk of no file" in problems(with_estargz_toc(estargz, document))


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"version":1,"entries":{}}', b"[" * 100_000, b"\xff\xfe{}"])
def test_a_table_that_is_none_is_told(estargz, raw):
    assert "its table of contents cannot be read" in problems(with_estargz_toc(estargz, raw))


def test_a_table_with_another_digest_than_announced_is_told(estargz):
    layer = with_estargz_toc(estargz, estargz_toc(estargz), **{TOC_DIGEST: "sha256:" + "0" * 64})
    assert "its table of contents has the digest" in problems(layer)


@pytest.mark.parametrize("wanted", ["estargz", "chunked"])
def test_a_huge_table_is_not_read(request, wanted):
    layer = request.getfixturevalue(wanted)
    assert "toc_bytes" in problems(layer, Limits(toc_bytes=500))


@pytest.mark.parametrize("keep", [0, 10, 50, 51, 200])
def test_a_blob_that_is_cut_off_is_told(estargz, keep):
    assert problems(layer_of(blob_of(estargz)[:keep], estargz, estargz.descriptor.annotations))


def test_a_footer_that_points_nowhere_is_told(estargz):
    raw = blob_of(estargz)
    bent = raw[:-35] + b"%016x" % (1 << 60) + raw[-19:]
    assert "its footer points nowhere" in problems(layer_of(bent, estargz, estargz.descriptor.annotations))


def test_a_footer_that_points_to_something_else_is_told(estargz):
    raw = blob_of(estargz)
    bent = raw[:-35] + b"%016x" % 0 + raw[-19:]
    assert "where its footer points to is no stargz.index.json" in problems(
        layer_of(bent, estargz, estargz.descriptor.annotations)
    )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("", "is not 4 numbers"),
        ("1:2:3", "is not 4 numbers"),
        ("-1:2:3:1", "is not 4 numbers"),
        ("99999999999999:5:5:1", "points out of the blob"),
        ("8:99999999999999:5:1", "points out of the blob"),
        ("8:5:5:1", "does not point to a frame that decoders pass over"),
        ("8:5:5:2", "of type 2"),
    ],
)
def test_a_lying_position_is_told(chunked, said, words):
    annotations = {**chunked.descriptor.annotations, NEW_POSITION: said}
    assert words in problems(layer_of(blob_of(chunked), chunked, annotations))


def test_a_lying_length_is_told(chunked):
    at, stored, length, kind = chunked.descriptor.annotations[NEW_POSITION].split(":")
    annotations = {**chunked.descriptor.annotations, NEW_POSITION: f"{at}:{stored}:{int(length) + 1}:{kind}"}
    assert "the annotation says" in problems(layer_of(blob_of(chunked), chunked, annotations))


def test_tables_that_say_different_things_to_different_clients_are_told(chunked):
    new, old = chunked_toc(chunked), chunked_toc(chunked, OLD_POSITION)
    assert problems(with_chunked_toc(chunked, new, old=old)) == ""
    lying = with_chunked_toc(chunked, new, old=changed(old, "sticky/set", mode=0o6777))
    assert "'sticky/set' is another one for older clients" in problems(lying)


def test_a_file_for_older_clients_alone_is_told(chunked):
    old = chunked_toc(chunked, OLD_POSITION)
    old["entries"].append({"type": "symlink", "name": "backdoor", "linkName": "/"})
    assert "'backdoor' is only for older clients" in problems(with_chunked_toc(chunked, chunked_toc(chunked), old=old))


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (b"", "they end before the tar does"),
        (b"{", "cannot be read"),
        (b'{"type":3}\n', "a line of type 3"),
        (b'{"type":2,"payload":"AAAA"}\n', "a header is not what they say"),
        (b'{"type":1,"size":512,"payload":"AAAA"}\n', "another CRC-64"),
        (b'{"type":2,"payload":7}\n', "cannot be read"),
    ],
)
def test_tar_split_data_that_do_not_give_the_tar_are_told(chunked, split, words):
    assert words in problems(with_chunked_toc(chunked, chunked_toc(chunked), split=split))


def test_tar_split_data_elsewhere_are_told(chunked):
    annotations = {**chunked.descriptor.annotations, TAR_SPLIT_POSITION: "8:5:5"}
    assert "does not point to a frame" in problems(layer_of(blob_of(chunked), chunked, annotations))


def test_a_format_that_the_compression_cannot_have_is_told(chunked):
    layer = layer_of(blob_of(chunked), chunked, {TOC_DIGEST: "sha256:" + "0" * 64})
    assert "it is stored as zstd, not as gzip" in problems(layer)


@pytest.mark.parametrize("wanted", ["estargz", "chunked"])
def test_every_bent_byte_is_told_or_changes_nothing(request, wanted):
    layer = request.getfixturevalue(wanted)
    raw = blob_of(layer)
    for position in range(len(raw) - 2000, len(raw), 61):
        bent = bytearray(raw)
        bent[position] ^= 0x41
        # Announced with its own digest, as an attacker would.
        lying = layer_of(bytes(bent), layer, layer.descriptor.annotations)
        assert problems(lying) or plain_tar(lying) == plain_tar(layer)
