"""A layer's inventory as bytes: two Arrow streams, the rows and what was captured (Arrow, "IPC Streaming Format")."""

import json
from typing import IO

import pyarrow as pa

from slimml.inventory.table import LAYER_SCHEMA, LayerInventory

# Without threads: one of Arrow's own would not survive a fork.
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_CAPTURED = pa.schema([("path", pa.binary()), ("content", pa.large_binary())])


def dump_layer(file: IO[bytes], layer: LayerInventory) -> None:
    """Write an inventory to `file`; raises OSError."""
    facts = {
        "tar_bytes": layer.tar_bytes,
        "blob_bytes": layer.blob_bytes,
        "trailer_compressed": layer.trailer_compressed,
        "estimated": layer.estimated,
    }
    table = layer.table.replace_schema_metadata({"facts": json.dumps(facts)})
    names = [name.encode("utf-8", "surrogateescape") for name in layer.captured]
    captured = pa.table([pa.array(names, pa.binary()), pa.array(layer.captured.values(), pa.large_binary())], _CAPTURED)
    for part in (table, captured):
        with pa.ipc.new_stream(file, part.schema, options=_OPTIONS) as writer:
            writer.write_table(part)


def load_layer(file: IO[bytes]) -> LayerInventory:
    """The inventory that `file` holds next; raises OSError, ValueError or KeyError where there is none."""
    with pa.ipc.open_stream(file) as reader:
        table = reader.read_all()
    with pa.ipc.open_stream(file) as reader:
        captured = reader.read_all()
    facts = json.loads(table.schema.metadata[b"facts"])
    names = [name.decode("utf-8", "surrogateescape") for name in captured["path"].to_pylist()]
    rows = table.replace_schema_metadata(None)
    if not rows.schema.equals(LAYER_SCHEMA):
        raise ValueError("these are no rows of a layer")
    return LayerInventory(
        table=rows,
        tar_bytes=facts["tar_bytes"],
        blob_bytes=facts["blob_bytes"],
        trailer_compressed=facts["trailer_compressed"],
        captured=dict(zip(names, captured["content"].to_pylist(), strict=True)),
        estimated=facts["estimated"],
    )
