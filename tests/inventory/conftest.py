"""Builders of layers, merged roots and package databases for the tests of what is inside an image."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pytest
from tiny_image import tiny

from slimml.inventory.captures import wanted
from slimml.inventory.owner import Owner
from slimml.inventory.table import LAYER_SCHEMA, LayerInventory
from slimml.inventory.take import build_inventory
from slimml.oci.tar.events import Kind

Node = tuple[str, Kind] | tuple[str, Kind, str]
LayerBuilder = Callable[..., LayerInventory]


def build_layer(*nodes: Node, captured: Mapping[str, bytes] | None = None) -> LayerInventory:
    """A layer whose entries are (path, kind) or (path, kind, link target)."""
    count = len(nodes)
    zeros: Sequence[int] = [0] * count
    columns: dict[str, object] = {field.name: zeros for field in LAYER_SCHEMA}
    columns |= {
        "path": [node[0].encode("utf-8", "surrogateescape") for node in nodes],
        "kind": [int(node[1]) for node in nodes],
        "link": [node[2].encode("utf-8", "surrogateescape") if len(node) > 2 else None for node in nodes],
        "content": [None] * count,
        "crc64": [None] * count,
        "form": pa.array([""] * count).dictionary_encode().cast(pa.dictionary(pa.uint8(), pa.string())),
    }
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, LAYER_SCHEMA.field(name).type)
        for name, values in columns.items()
    ]
    return LayerInventory(pa.Table.from_arrays(arrays, schema=LAYER_SCHEMA), 0, 0, 0, dict(captured or {}))


@pytest.fixture
def layer() -> LayerBuilder:
    """The builder of one layer."""
    return build_layer


@dataclass(frozen=True)
class To:
    """A symlink's target."""

    target: str


class Owned:
    """A root filesystem with owners: `of(path)` is the label of the owner of the topmost row with that path."""

    def __init__(self, *layers: LayerInventory) -> None:
        self.inventory = build_inventory(tiny(), layers)
        self.owners = self.inventory.owners

    def of(self, path: str) -> str:
        row = max(row for row, own in enumerate(self.inventory.paths) if own == path)
        return self.owners[int(self.inventory.owner[row])].label

    def owner(self, label: str) -> Owner:
        return next(owner for owner in self.owners if owner.label == label)


Tree = Mapping[str, str | bytes | To | None]


def tree_layer(tree: Tree) -> LayerInventory:
    """A layer from {path: content, To(target) or None for a directory}; parents come of themselves.

    What a reader would keep of it is captured.
    """
    nodes: dict[str, Node] = {}
    captured: dict[str, bytes] = {}
    for path, what in tree.items():
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            nodes.setdefault(parent, (parent, Kind.DIRECTORY))
        if what is None:
            nodes.setdefault(path, (path, Kind.DIRECTORY))
        elif isinstance(what, To):
            nodes[path] = (path, Kind.SYMLINK, what.target)
        else:
            nodes[path] = (path, Kind.FILE)
            content = what.encode() if isinstance(what, str) else what
            if wanted(path, len(content)):
                captured[path] = content
    return build_layer(*nodes.values(), captured=captured)


@pytest.fixture
def owned() -> Callable[..., Owned]:
    """Owners of the root that trees, from the bottom up, make."""
    return lambda *trees: Owned(*(tree if isinstance(tree, LayerInventory) else tree_layer(tree) for tree in trees))


@pytest.fixture
def to() -> type[To]:
    """A symlink in a tree."""
    return To
