"""Classes of machines."""

import pytest

from slimml.errors import InvalidImage
from slimml.history.host_class import host_class

HOST = {"cpu": "AMD EPYC 7763 64-Core Processor", "cores": 4, "quota": None, "memory": 16_765_000_000, "gpus": []}


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "amd-epyc-7763-64-core-processor-4c-16g"),
        ({"cpu": "Intel(R) Xeon(R) CPU E5-2673 v4 @ 2.30GHz"}, "intel-xeon-e5-2673-v4-4c-16g"),
        ({"quota": 1.5}, "amd-epyc-7763-64-core-processor-1.5of4c-16g"),
        ({"gpus": [{"name": "NVIDIA H100"}]}, "amd-epyc-7763-64-core-processor-4c-16g-nvidia-h100"),
        ({"cpu": "", "memory": 1}, "4c-1g"),
    ],
)
def test_the_class_names_what_decides_how_fast_a_machine_is(changed, name):
    assert host_class(HOST | changed) == name


def test_a_document_without_a_machine_is_refused():
    with pytest.raises(InvalidImage, match="what machine"):
        host_class({"cpu": "x"})
