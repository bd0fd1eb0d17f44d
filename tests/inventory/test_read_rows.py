"""Contents of rows, read again from the layers that hold them."""

from layered_image import file, image_of

from slimml.inventory.read_rows import read_rows
from slimml.inventory.take import take_inventory


class Keeper:
    def __init__(self):
        self.content, self.ended = None, False

    def begin(self, size):
        self.content = b""

    def data(self, piece):
        self.content += bytes(piece)

    def end(self):
        self.ended = True


def read(image, *rows):
    inventory = take_inventory(image)
    keepers = {row: Keeper() for row in rows}
    read_rows(inventory, keepers)
    return [keeper.content for keeper in keepers.values()]


def test_each_row_has_the_content_of_its_own_layer():
    image = image_of([file("a", b"below")], [file("a", b"above")])
    assert read(image, 0, 1) == [b"below", b"above"]


def test_a_large_file_comes_in_pieces():
    content = bytes(range(256)) * 20_000
    assert read(image_of([file("large", content)]), 0) == [content]


def test_an_empty_file_begins_and_ends():
    assert read(image_of([file("empty", b"")]), 0) == [b""]


def test_layers_in_which_nothing_is_wanted_are_not_read():
    image = image_of([file("a", b"wanted")], [file("b", b"not")])
    inventory = take_inventory(image)
    image.layers[1].blobs.content.pop(image.layers[1].descriptor.digest)
    keeper = Keeper()
    read_rows(inventory, {inventory.live["a"]: keeper})
    assert keeper.content == b"wanted"
