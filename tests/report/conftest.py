"""Small inventories and findings for the tests of what is shown."""

import pytest
from inventories import Row, build_inventory, make_finding

from slimml.bloat.finding import Action, Finding, Risk
from slimml.inventory.owner import APPLICATION, Owner
from slimml.inventory.table import Inventory
from slimml.oci.tar.events import Kind


@pytest.fixture
def sloppy() -> Inventory:
    """Two layers: the second overwrites a file of the first, deletes another, and leaves a cache."""
    owners = (APPLICATION, Owner(APPLICATION.system.PYTHON, "numpy", "2.1.0"))
    return build_inventory(
        [
            Row("usr", kind=Kind.DIRECTORY),
            Row("usr/lib/numpy/core.so", 4000, form="elf", owner=1),
            Row("app/model.onnx", 6000, form="onnx"),
            Row("tmp/installer.sh", 1000),
        ],
        [
            Row("app/model.onnx", 6200, form="onnx"),
            Row("tmp/installer.sh", kind=Kind.WHITEOUT),
            Row("root/.cache/pip/wheel", 800, form="zip"),
        ],
        owners=owners,
        commands=["COPY . /app # buildkit", "RUN /bin/sh -c pip install numpy # buildkit"],
    )


@pytest.fixture
def findings(sloppy: Inventory) -> list[Finding]:
    """What could go of `sloppy`."""
    return [
        make_finding(sloppy, [2, 3], rule="shadowed", title="overwritten and deleted files"),
        make_finding(sloppy, [6]),
        make_finding(sloppy, [1], rule="numpy", title="numpy", risk=Risk.ASK, action=Action.TELL),
    ]


@pytest.fixture
def inventory():
    """The builder of inventories."""
    return build_inventory


@pytest.fixture
def row():
    """The builder of a file's row."""
    return Row


@pytest.fixture
def whiteout():
    """The builder of a whiteout's row."""
    return lambda path: Row(path, kind=Kind.WHITEOUT)


@pytest.fixture
def build_finding():
    """The builder of findings."""
    return make_finding
