"""The hostile layouts packed into one file: an archive is no way around what a layout is refused for."""

import os
import tarfile

import pytest
from hostile_layouts import ATTACKS

from slimml.errors import InvalidImage, NotFound
from slimml.inventory.take import take_inventory
from slimml.oci.reference import parse_reference
from slimml.oci.transfer import open_image

PACKED = [name for name in ATTACKS if name not in ("huge-json", "many-members")]


@pytest.mark.parametrize("name", PACKED)
def test_an_attack_in_an_archive_ends_as_in_a_layout(tmp_path, name):
    attack = ATTACKS[name]
    attack.put(tmp_path / "layout")
    with tarfile.open(tmp_path / "archive", "w") as archive:
        archive.add(tmp_path / "layout", ".")
    reference = parse_reference(f"oci-archive:{tmp_path}/archive")
    before = sorted(os.listdir(tmp_path))
    if attack.analyze:
        with pytest.raises((InvalidImage, NotFound)):
            take_inventory(open_image(reference))
    else:
        take_inventory(open_image(reference))
    assert sorted(os.listdir(tmp_path)) == before
