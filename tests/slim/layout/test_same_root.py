"""Whatever the layers were, and whatever the previous image is: a container sees the same."""

import tarfile
import tempfile
from itertools import pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from layered_image import Item, file, folder, hardlink, opaque, symlink, tar_of, whiteout
from seen_root import EnginesDisagree, lay_over, seen
from tiny_image import tiny

from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.oci.media_types import Compression
from slimml.slim.layout.asked import Layout
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan

LARGE = Random(1).randbytes(100_000)
"""so much that what headers take does not matter"""
NAMES = ["a", "b", "c", "usr", "site-packages", "ä", "\udcff", "with space", "a\nb", "n" * 120]
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
contents = st.sampled_from([b"", b"x", b"same " * 9, b"other " * 99, b"\x7fELF"])
attributes = st.fixed_dictionaries(
    {
        "mode": st.sampled_from([0o644, 0o755, 0o4755, 0o1777, 0]),
        "uid": st.sampled_from([0, 1000, 2**31 + 5]),
        "mtime": st.sampled_from([1, 1_700_000_000, 2**33 + 1]),
        "pax": st.sampled_from([(), (("SCHILY.xattr.user.note", "ä"),), (("comment", "c"), ("SCHILY.xattr.x", "1"))]),
    }
)


def an_item(draw, root):
    path = draw(paths)
    files = sorted(other for other, inode in root.items() if not inode.directory and other != path)
    kinds = ["file"] * 4 + ["folder", "symlink", "device", "fifo", "whiteout", "opaque"]
    kinds += ["hardlink"] * 2 * bool(files)
    match draw(st.sampled_from(kinds)):
        case "file":
            return file(path, draw(contents), **draw(attributes))
        case "folder":
            return folder(path, **draw(attributes))
        case "symlink":
            return symlink(path, draw(paths))
        case "device":
            return Item(path, tarfile.CHRTYPE, **draw(attributes))
        case "fifo":
            return Item(path, tarfile.FIFOTYPE, **draw(attributes))
        case "hardlink":
            return hardlink(path, draw(st.sampled_from(files)), **draw(attributes))
        case "whiteout":
            return whiteout(path)
        case _:
            return opaque(path)


@st.composite
def trees(draw, most=4):
    """Layers of entries about which engines agree."""
    layers = []
    for _ in range(draw(st.integers(1, most))):
        layer = []
        for _ in range(draw(st.integers(0, 7))):
            tried = [*layers, [*layer, an_item(draw, root_after([*layers, layer]))]]
            try:
                root_after(tried)
            except EnginesDisagree:
                continue
            layer = tried[-1]
        layers.append(layer)
    return layers


def root_after(layers):
    root = {}
    for layer in layers:
        lay_over(root, tar_of(layer))
    return root


def relaid(image, directory, base=None, previous=None):
    inventory = take_inventory(image)
    plan = make_plan(inventory, [], Options(layout=Layout(base, previous)))
    return carry_out(inventory, plan, BlobStore(directory)).image


def image_of(layers):
    return tiny(*(tar_of(layer) for layer in [*layers, [file("zz/large", LARGE)]]))


@settings(max_examples=40, deadline=None)
@given(layers=trees(), based=st.booleans())
def test_a_container_sees_the_same(layers, based):
    image = image_of(layers)
    with tempfile.TemporaryDirectory() as directory:
        base = tiny(tar_of(layers[0])) if based else None
        result = relaid(image, directory, base)
        assert seen(result) == seen(image)
        if based:
            assert result.layers[0].descriptor == image.layers[0].descriptor


@settings(max_examples=40, deadline=None)
@given(first=trees(2), more=st.lists(trees(2), min_size=1, max_size=3))
def test_a_container_sees_the_same_whatever_the_previous_image_was(first, more):
    with tempfile.TemporaryDirectory() as directory:
        images = [image_of(layers) for layers in (first, *more)]
        result = relaid(images[0], directory)
        for _, image in pairwise(images):
            result = relaid(image, directory, previous=result)
            assert seen(result) == seen(image)


@settings(max_examples=20, deadline=None)
@given(layers=trees(), compression=st.sampled_from(Compression))
def test_nothing_is_fetched_again_of_what_did_not_change(layers, compression):
    large = [file("zz/large", LARGE)]
    image = tiny(*(tar_of(layer) for layer in [*layers, large]), compression=compression)
    with tempfile.TemporaryDirectory() as directory:
        first = relaid(image, directory)
        second = relaid(image, directory, previous=first)
        assert second.config.diff_ids == first.config.diff_ids
        assert second.manifest.layers == first.manifest.layers
