"""What a node fetches that has the previous image, and what stays of its layers over many builds."""

import pytest
from application_image import SIZES, application, distribution
from layered_image import tar_of
from seen_root import seen

from slimml.oci.codec import Encoding, compressor
from slimml.slim.layout.keep import Candidate, choose

MIB = 1 << 20


def fetched(image, previous):
    known = {layer.descriptor.digest for layer in previous.layers}
    return sum(layer.descriptor.size for layer in image.layers if layer.descriptor.digest not in known)


def packed(items):
    packing = compressor(Encoding())
    return len(packing.compress(tar_of(items)) + packing.finish())


def test_one_changed_file_of_the_application_costs_less_than_a_hundredth(lay_out):
    first = lay_out(application()).image
    second = lay_out(application(code=b"print(2)\n"), first).image
    assert 0 < fetched(second, first) < 0.01 * first.compressed_bytes


@pytest.mark.parametrize("name", SIZES)
def test_another_version_of_a_distribution_costs_little_more_than_its_own_size(lay_out, name):
    first = lay_out(application()).image
    second = lay_out(application({name: "2"}), first).image
    assert fetched(second, first) < 1.1 * packed(distribution(name, "2", SIZES[name]))


def test_the_old_version_is_not_seen(lay_out):
    first = lay_out(application()).image
    after = application({"small": "2"})
    assert seen(lay_out(after, first).image) == seen(after)


def test_what_is_dead_does_not_pile_up():
    layers = [Candidate(number, 100 * MIB, (60 + number) * MIB) for number in range(5)]
    assert choose(layers, 500 * MIB) == [3, 4]
    assert choose([Candidate(0, 100 * MIB, 80 * MIB)], 500 * MIB) == [0]


def test_a_layer_of_which_little_is_wanted_goes_before_others():
    mostly_dead, mostly_live = Candidate(0, 100 * MIB, 1 * MIB), Candidate(1, 200 * MIB, 110 * MIB)
    assert choose([mostly_dead, mostly_live], 500 * MIB) == [1]


def test_the_largest_distribution_may_be_carried_along_by_a_layer():
    assert choose([Candidate(2, 250 * MIB, 150 * MIB)], 1400 * MIB) == [2]


def test_another_base_leaves_the_layers_above_as_they_are(lay_out):
    first = lay_out(application()).image
    second = lay_out(application(base=b"a newer base"), first).image
    assert fetched(second, first) < second.layers[0].descriptor.size + 2000


def test_without_the_previous_image_a_change_of_the_application_changes_its_layer_alone(lay_out):
    first = lay_out(application()).image
    second = lay_out(application(code=b"print(2)\n")).image
    assert [a.diff_id == b.diff_id for a, b in zip(first.layers, second.layers, strict=True)].count(False) == 1


def test_ten_rebuilds_keep_nine_of_ten_layers_that_could_stay(lay_out):
    previous = lay_out(application()).image
    could = stayed = 0
    for number in range(10):
        versions = {name: str(2 + (number + at) // len(SIZES)) for at, name in enumerate(SIZES)}
        image = application(versions, code=f"print({number})\n".encode() * 30)
        result = lay_out(image, previous).image
        now, root = {layer.descriptor.digest for layer in result.layers}, seen(result)
        for layer in previous.layers:
            own = seen_of(layer, previous)
            could += layer.descriptor.digest in now or all(root.get(path) == told for path, told in own.items())
            stayed += layer.descriptor.digest in now
        previous = result
    assert stayed >= 0.9 * could


def seen_of(layer, image):
    """The files of one layer."""
    alone = type(image)(image.reference, image.manifest, image.config, (layer,))
    return {path: told for path, told in seen(alone).items() if told[0][0] != b"5"}


def test_layers_stay_few(lay_out):
    result = lay_out(application()).image
    for number in range(14):
        result = lay_out(application({"small": str(number + 2)}, code=b"# more\n" * (number + 2)), result).image
    assert len(result.layers) <= 15
