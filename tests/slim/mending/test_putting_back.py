"""Removed entries given as a tar again."""

import io
import tarfile

import pytest
from layered_image import file, folder, hardlink, image_of, symlink

from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.slim.mending.putting_back import read_removed


@pytest.fixture
def archive(tmp_path):
    """The members of the tar of `back`, when all of `removed` went from an image of `layers`."""

    def make(layers, removed, back):
        inventory = take_inventory(image_of(*layers))
        rows = [inventory.live[path] for path in removed]
        found = read_removed(inventory, rows, BlobStore(tmp_path / "store"))
        data = b"".join(found.archive([inventory.live[path] for path in back]))
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            return [(member, tar.extractfile(member).read() if member.isreg() else None) for member in tar]

    return make


def test_an_entry_comes_as_it_was(archive):
    layers = [[file("a", b"1" * 5000, mode=0o4750, uid=7), file("b", b"2")]]
    [(member, content)] = archive(layers, ["a", "b"], ["a"])
    assert (member.name, member.mode, member.uid, content) == ("a", 0o4750, 7, b"1" * 5000)


def test_removed_directories_above_come_first(archive):
    layers = [[folder("d", mode=0o700), folder("d/e"), file("d/e/f"), file("d/g")]]
    assert [it.name for it, _ in archive(layers, ["d", "d/e", "d/e/f", "d/g"], ["d/e/f"])] == ["d", "d/e", "d/e/f"]


def test_directories_that_stayed_are_left_alone(archive):
    layers = [[folder("d"), file("d/f"), file("d/g")]]
    assert [it.name for it, _ in archive(layers, ["d/f"], ["d/f"])] == ["d/f"]


def test_a_hard_link_comes_with_its_content(archive):
    layers = [[file("a", b"shared", mode=0o640), hardlink("b", "a", mode=0o640)]]
    [(member, content)] = archive(layers, ["a", "b"], ["b"])
    assert (member.name, member.mode, content) == ("b", 0o640, b"shared")


def test_rows_of_several_layers_come_in_their_order(archive):
    layers = [[file("x", b"1"), symlink("s", "x")], [file("y", b"2")], [file("z", b"3")]]
    found = archive(layers, ["z", "s", "x"], ["z", "x", "s"])
    assert [(it.name, content) for it, content in found] == [("x", b"1"), ("s", None), ("z", b"3")]


def test_nothing_is_an_empty_tar(archive):
    assert archive([[file("a"), file("b")]], ["a"], []) == []
