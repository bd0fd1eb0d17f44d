"""The size of an image."""

import pytest
from tiny_image import tiny

from slimml.bench.results import ImageFacts
from slimml.bench.size import ESTIMATED, measure_size
from slimml.inventory.take import take_inventory

FACTS = ImageFacts("memory:x", "sha256:0")


@pytest.fixture
def image():
    return tiny({"a": b"x" * 100, "b": b"y" * 50}, {"a": b"z" * 10, ".wh.b": b"", "c": b""})


def counters(image, **more):
    return measure_size(take_inventory(image), FACTS, **more).counters


def test_bytes_on_disk_are_those_of_all_layers(image):
    assert counters(image)["disk_bytes"] == 160


def test_compressed_bytes_are_those_of_the_blobs(image):
    assert counters(image)["compressed_bytes"] == image.compressed_bytes


def test_files_are_those_that_a_container_sees(image):
    assert counters(image)["files"] == 2


def test_the_largest_layer_has_its_share(image):
    sizes = [layer.descriptor.size for layer in image.layers]
    assert counters(image)["largest_layer_share"] == pytest.approx(max(sizes) / sum(sizes), abs=1e-4)


def test_what_was_pushed_is_known_better(image):
    found = counters(image, pushed=[300, 100])
    assert (found["compressed_bytes"], found["layers"], found["largest_layer_share"]) == (400, 2, 0.75)


def test_sizes_that_were_read_are_not_called_estimated(image):
    assert ESTIMATED not in measure_size(take_inventory(image), FACTS).remarks
