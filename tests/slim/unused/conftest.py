"""Slimming by a closure in one call."""

import numpy as np
import pytest
from used_image import closure_of, used_image

from slimml.inventory.take import take_inventory
from slimml.slim.optimize import carry_out
from slimml.slim.options import Options
from slimml.slim.planning import make_plan
from slimml.slim.unused import findings_by_use
from slimml.usage.closure_result import Depth


@pytest.fixture(scope="session")
def image():
    return used_image()


@pytest.fixture
def inventory(image):
    return take_inventory(image)


@pytest.fixture
def slim_unused(inventory, store):
    """Slim by a closure that keeps all but these paths; gives what `carry_out` gives."""

    def act(*going, kept=(), findings=(), used=(), depth=Depth.DISTRIBUTION, **options):
        found = findings_by_use(inventory, findings, closure_of(inventory, *going, depth=depth), np.array(used, int))
        plan = make_plan(inventory, found, Options(depth=depth, **options), kept)
        return carry_out(inventory, plan, store)

    return act
