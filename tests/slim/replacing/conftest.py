"""Replacing contents in a tiny image in one call."""

import pytest
from halving import Halving

from slimml.inventory.kept_files import KeptFiles
from slimml.inventory.take import take_inventory
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.replacing.remembered import Remembered
from slimml.slim.replacing.replace import make_offers

_HALVING = (Halving(),)


@pytest.fixture
def remembered(tmp_path):
    return Remembered(KeptFiles(tmp_path / "cache"))


@pytest.fixture
def offer(tmp_path, remembered):
    """The inventory of an image, the plan without offers, and the offers."""

    def act(image, *, findings=(), shrinkers=_HALVING, **options):
        inventory = take_inventory(image)
        plan = make_plan(inventory, findings, Options(**options))
        return inventory, plan, make_offers(inventory, plan, shrinkers, tmp_path / "place", remembered)

    return act


@pytest.fixture
def replace(offer, store):
    """What `carry_out` gives for an image with its `.half` files halved."""

    def act(image, *, findings=(), **options):
        inventory, plan, offers = offer(image, findings=findings, **options)
        plan = make_plan(inventory, findings, plan.options, offers=offers.taken)
        return carry_out(inventory, plan, store)

    return act
