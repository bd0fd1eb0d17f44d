"""Laying an image out in one call."""

import pytest
from layered_image import finding

from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.slim.layout.asked import Layout
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan


@pytest.fixture
def lay_out(tmp_path):
    """Lay an image out; gives what `carry_out` gives. `going` are live paths to drop before."""

    def act(image, previous=None, base=None, going=(), **options):
        inventory = take_inventory(image)
        findings = [finding([inventory.live[path] for path in going])] if going else []
        plan = make_plan(inventory, findings, Options(layout=Layout(base, previous), **options))
        return carry_out(inventory, plan, BlobStore(tmp_path / "store"))

    return act
