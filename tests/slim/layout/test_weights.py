"""Compressed sizes from samples: near what compressing gives, whatever the content."""

from application_image import noise

from slimml.oci.blobs import BlobStore
from slimml.oci.tar.events import Kind
from slimml.slim.layout.node import Node
from slimml.slim.layout.spool import Spool
from slimml.slim.layout.weights import measured_weights


def weights(tmp_path, *contents):
    with Spool(BlobStore(tmp_path)) as spool:
        root = {}
        for row, content in enumerate(contents):
            root[f"f{row:04}"] = Node(Kind.FILE, len(content), place=spool.size, row=row)
            spool.put(content)
        return measured_weights(spool, root)


def test_noise_weighs_what_it_is(tmp_path):
    found = weights(tmp_path, noise("a", 3_000_000), noise("b", 10_000))
    assert 0.99 * 3_000_000 < found[0] < 1.02 * 3_000_000
    assert 9_900 < found[1] < 11_000


def test_zeros_weigh_next_to_nothing(tmp_path):
    assert weights(tmp_path, bytes(3_000_000))[0] < 30_000


def test_small_files_weigh_together(tmp_path):
    found = weights(tmp_path, *[b"the same text again\n" * 40] * 2000)
    assert sum(found.values()) < 50_000


def test_a_file_that_was_not_kept_is_not_weighed(tmp_path):
    with Spool(BlobStore(tmp_path)) as spool:
        assert measured_weights(spool, {"a": Node(Kind.FILE, 5), "d": Node(Kind.DIRECTORY)}) == {}
