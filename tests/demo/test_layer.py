"""A build step's layer is a gzip tar that other programs read."""

import gzip
import hashlib
import io
import tarfile

import pytest

from slimml.demo.layer import write_layer
from slimml.demo.this_python import Tree
from slimml.oci.blobs import BlobStore


@pytest.fixture
def members(tmp_path):
    """Write a layer; its members by name."""

    def write(fill, **options):
        store = BlobStore(tmp_path / "blobs")
        descriptor, diff_id = write_layer(store, fill, **options)
        with store.open_blob(descriptor) as blob:
            plain = gzip.decompress(blob.read(-1))
        assert diff_id == "sha256:" + hashlib.sha256(plain).hexdigest()
        with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
            return {member.name: member for member in archive}

    return write


def test_directories_come_once_and_before_what_they_hold(members):
    found = members(lambda layer: [layer.file("a/b/c", b"!"), layer.file("a/b/d", b"!")])
    assert list(found) == ["a", "a/b", "a/b/c", "a/b/d"]


def test_entries_belong_to_the_steps_user(members):
    found = members(lambda layer: layer.file("a", b"!"), owner=1000)
    assert (found["a"].uid, found["a"].gid) == (1000, 1000)


def test_a_whiteout_has_the_name_that_the_specification_gives_it(members):
    assert "tmp/.wh.data" in members(lambda layer: layer.whiteout("tmp/data"))


def test_files_of_this_machine_keep_their_time(members, tmp_path):
    source = tmp_path / "source.py"
    source.write_text("pass\n")
    found = members(lambda layer: layer.tree(Tree({"lib/source.py": source}, {"lib64": "lib"})), mtime=5)
    assert (found["lib/source.py"].mtime, found["lib64"].linkname) == (int(source.stat().st_mtime), "lib")
