"""Slimming a tiny image in one call."""

import pytest
from layered_image import finding

from slimml.inventory.take import take_inventory
from slimml.oci.blobs import BlobStore
from slimml.slim.optimize import carry_out
from slimml.slim.options import Level, Options
from slimml.slim.planning import make_plan


@pytest.fixture
def store(tmp_path):
    return BlobStore(tmp_path / "store")


@pytest.fixture
def slim(store):
    """Drop the live rows at these paths of an image; gives what `carry_out` gives."""

    def act(image, *paths, **options):
        inventory = take_inventory(image)
        rows = [inventory.live[path] for path in paths]
        plan = make_plan(inventory, [finding(rows)], Options(**({"level": Level.ALL} | options)))
        return carry_out(inventory, plan, store)

    return act
