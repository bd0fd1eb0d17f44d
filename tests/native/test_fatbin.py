"""Reading CUDA fat binaries."""

import pytest
from gpu_library import CUBIN, EXACT, FAMILY, LTO, PTX, container, cubins, element

from slimml.native.fatbin import find_containers


def test_elements_are_told_by_kind_and_target():
    data = container(
        element(CUBIN, 90), element(CUBIN, 90, flags=EXACT), element(PTX, 100, flags=FAMILY), element(LTO, 75)
    )
    (found,) = find_containers(data, 0, len(data)).containers
    assert [(one.kind, one.target) for one in found.elements] == [
        ("cubin", "sm_90"), ("cubin", "sm_90a"), ("ptx", "compute_100f"), ("lto", "compute_75")
    ]  # fmt: skip


def test_a_longer_header_of_an_element_is_read():
    data = container(element(CUBIN, 90, header=112), *cubins(80))
    assert [one.architecture for one in find_containers(data, 0, len(data)).containers[0].elements] == [90, 80]


def test_containers_are_found_behind_other_bytes():
    first, second = container(*cubins(80)), container(*cubins(90))
    data = bytes(64) + first + b"other..." + second + bytes(8)
    found = find_containers(data, 0, len(data))
    assert [one.offset for one in found.containers] == [64, 64 + len(first) + 8]


def test_every_byte_of_a_container_is_its_header_or_an_element():
    data = container(*cubins(75, 80, 90), element(PTX, 90))
    (found,) = find_containers(data, 0, len(data)).containers
    assert 16 + sum(one.bytes for one in found.elements) == found.size == len(data)


@pytest.mark.parametrize("cut", [1, 8, 4000, 8200])
def test_a_container_that_ends_early_is_damaged(cut):
    data = container(*cubins(80, 90))
    found = find_containers(data, 0, len(data) - cut)
    assert (found.containers, found.damaged) == ((), (0,))


def test_the_magic_in_other_data_is_no_container():
    magic = container(*cubins(80))[:4]
    data = bytes(3) + magic + bytes(25) + magic + b"\1\0\x10\0" + b"\xff" * 64
    assert find_containers(data, 0, len(data)).containers == ()


def test_a_kind_that_nobody_described_is_named_by_its_number():
    data = container(element(64, 90))
    assert find_containers(data, 0, len(data)).containers[0].elements[0].kind == "kind 64"
