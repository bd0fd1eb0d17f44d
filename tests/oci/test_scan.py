"""Reading layers: everything is verified while it streams, and what the decoder did is known afterwards."""

import threading
from dataclasses import replace

import pytest
from tiny_image import tiny
from told_events import Told

from slimml.errors import InvalidImage, NotFound
from slimml.oci.digest import Digest
from slimml.oci.media_types import Compression
from slimml.oci.scan import scan_image, scan_layer

FILES = {f"dir/file{number}": bytes([number]) * 5000 for number in range(200)}


@pytest.mark.parametrize("compression", list(Compression))
def test_a_layer_is_told_and_its_facts_are_complete(compression):
    image = tiny(FILES, compression=compression)
    told = Told()
    facts = scan_layer(image.layers[0], told, hash_tar=True)
    assert told.contents == FILES
    assert facts.diff_id == image.layers[0].diff_id
    assert facts.blob_bytes == image.layers[0].descriptor.size
    assert facts.tar_bytes == told.tar_bytes
    if compression is not Compression.NONE:
        assert facts.checkpoints[0] == (0, 0)
        assert facts.checkpoints[-1] == (facts.tar_bytes, facts.blob_bytes)


@pytest.mark.parametrize("compression", list(Compression))
def test_a_changed_blob_is_refused(compression):
    image = tiny(FILES, compression=compression)
    blobs, descriptor = image.layers[0].blobs, image.layers[0].descriptor
    blobs.content[descriptor.digest] = tiny({"other": b"x"}, compression=compression).layers[0].open().read()
    with pytest.raises(InvalidImage):
        scan_layer(image.layers[0], Told())


def test_bytes_after_the_end_of_the_tar_count_for_the_digest():
    image = tiny(FILES, compression=Compression.NONE)
    blobs, descriptor = image.layers[0].blobs, image.layers[0].descriptor
    longer = replace(descriptor, size=descriptor.size + 1)
    blobs.content[descriptor.digest] += b"x"
    with pytest.raises(InvalidImage):
        scan_layer(replace(image.layers[0], descriptor=longer), Told())


def test_a_wrong_diff_id_is_refused_when_the_tar_is_hashed():
    image = tiny(FILES)
    wrong = replace(image.layers[0], diff_id=Digest("sha256:" + "0" * 64))
    with pytest.raises(InvalidImage, match="the config says"):
        scan_layer(wrong, Told(), hash_tar=True)


def test_a_missing_blob_is_told_as_such():
    image = tiny(FILES)
    image.layers[0].blobs.content.clear()
    with pytest.raises(NotFound):
        scan_layer(image.layers[0], Told())


def test_an_error_in_the_middle_leaves_no_thread():
    class Failing(Told):
        def whole(self, entry, content):
            raise ValueError(entry.path)

    before = threading.active_count()
    with pytest.raises(ValueError, match="dir/file0"):
        scan_layer(tiny(FILES, compression=Compression.NONE).layers[0], Failing())
    assert threading.active_count() == before


def test_a_layer_that_occurs_twice_is_read_once():
    image = tiny(FILES, {"a": b"1"}, FILES)
    visits = []

    def visitor_of(layer):
        visits.append(layer.diff_id)
        return Told()

    facts = scan_image(image, visitor_of)
    assert len(visits) == len(set(visits)) == len(facts) == 2
