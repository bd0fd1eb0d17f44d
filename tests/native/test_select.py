"""What stays of a fat binary for given GPUs."""

import pytest
from gpu_library import CUBIN, EXACT, FAMILY, LTO, PTX, container, cubins, element

from slimml.native.fatbin import find_containers
from slimml.native.select import dropped_bytes, is_dead, kept_elements


def read(*elements):
    data = container(*elements)
    return find_containers(data, 0, len(data)).containers[0]


def kept(container_, *targets):
    return [one.target for one in kept_elements(container_, targets)]


@pytest.mark.parametrize(
    ("target", "expected"), [(75, "sm_75"), (80, "sm_80"), (86, "sm_86"), (89, "sm_86"), (90, "sm_90")]
)
def test_machine_code_of_the_nearest_minor_version_stays(target, expected):
    assert kept(read(*cubins(75, 80, 86, 90), element(PTX, 90)), target) == [expected]


def test_machine_code_of_another_major_version_does_not_serve():
    assert kept(read(*cubins(80, 86), element(PTX, 80)), 90) == ["compute_80"]


def test_the_newest_ptx_that_is_not_too_new_serves():
    assert kept(read(element(PTX, 75), element(PTX, 80), element(PTX, 120)), 90) == ["compute_80"]


def test_several_targets_keep_what_each_needs():
    assert kept(read(*cubins(75, 80, 90, 120)), 80, 90) == ["sm_80", "sm_90"]


def test_an_exact_variant_stays_beside_the_plain_one():
    assert kept(read(element(CUBIN, 90), element(CUBIN, 90, flags=EXACT)), 90) == ["sm_90", "sm_90a"]


def test_an_exact_variant_serves_no_later_gpu():
    assert kept(read(element(CUBIN, 100), element(CUBIN, 103, flags=EXACT)), 103) == ["sm_103a"]
    assert kept(read(element(CUBIN, 100), element(CUBIN, 100, flags=EXACT), element(CUBIN, 101, flags=EXACT)), 103) == [
        "sm_100"
    ]


def test_a_family_variant_serves_its_family():
    assert kept(read(element(CUBIN, 100, flags=FAMILY), element(CUBIN, 120)), 103) == ["sm_100f"]


def test_machine_code_of_a_system_on_a_chip_serves_no_other_gpu():
    assert kept(read(*cubins(80, 87)), 89) == ["sm_80"]


def test_a_system_on_a_chip_keeps_whatever_may_serve_it():
    assert kept(read(*cubins(80, 86), element(PTX, 80)), 87) == ["sm_86", "compute_80"]


def test_code_for_linking_and_unknown_kinds_stay():
    assert kept(read(element(LTO, 75), element(64, 80), *cubins(80, 90)), 90) == ["compute_75", "compute_80", "sm_90"]


def test_a_container_that_serves_nothing_keeps_its_smallest_element():
    dead = read(element(CUBIN, 80, 800), element(CUBIN, 75, 80), element(CUBIN, 86, 8000))
    assert kept(dead, 90) == ["sm_75"]
    assert is_dead(dead, [90])


def test_a_container_that_serves_a_target_is_not_dead():
    assert not is_dead(read(*cubins(80, 90)), [90])


def test_dropped_and_kept_bytes_are_all_bytes():
    found = read(*cubins(75, 80, 90))
    whole = sum(one.bytes for one in found.elements)
    assert dropped_bytes([found], [90]) + sum(one.bytes for one in kept_elements(found, [90])) == whole
