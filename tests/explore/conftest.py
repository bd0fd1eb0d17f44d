"""The image that most tests explore, and a terminal with an explorer of it."""

import pytest
from explored import Terminal, explored_image

from slimml.inventory.take import take_inventory


@pytest.fixture(scope="session")
def inventory():
    return take_inventory(explored_image())


@pytest.fixture
def terminal(inventory):
    """An explorer of 100 by 30 cells, the cursor on the tree."""
    with Terminal(inventory) as opened:
        yield opened


@pytest.fixture
def explore():
    """Explorers of other images or sizes."""
    opened = []

    def start(inventory, width=100, height=30):
        opened.append(Terminal(inventory, (width, height)))
        return opened[-1]

    yield start
    for one in opened:
        one.close()
