"""What updates cost, told from the layers as they are."""

from application_image import application

from slimml.inventory.take import take_inventory
from slimml.slim.layout.costs import update_costs


def costs_of(image):
    return {found.name: found for found in update_costs(take_inventory(image))}


def test_an_application_file_costs_its_layer():
    image = application()
    assert costs_of(image)[""].layer_bytes == image.layers[3].descriptor.size


def test_a_distribution_costs_its_layer_and_what_a_build_makes_anew_above():
    image = application()
    found = costs_of(image)["large"]
    assert found.layer_bytes == image.layers[1].descriptor.size
    assert found.build_bytes == sum(layer.descriptor.size for layer in image.layers[1:])


def test_what_changes_is_no_more_than_what_is_fetched():
    for found in costs_of(application()).values():
        assert 0 < found.own_bytes <= found.layer_bytes <= found.build_bytes


def test_a_layout_makes_an_application_cheap(lay_out):
    image = lay_out(application()).image
    assert costs_of(image)[""].layer_bytes < 0.01 * image.compressed_bytes
