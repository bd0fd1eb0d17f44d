"""Builders of layers, merged roots and package databases for the tests of what is inside an image."""

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pytest

from slimml.inventory.table import LAYER_SCHEMA, LayerInventory
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
