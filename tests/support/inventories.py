"""Builders of small inventories and findings for the tests of what is shown."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from slimml.bloat.finding import Action, Finding, LayerShare, Risk
from slimml.inventory.merge import merge
from slimml.inventory.owner import APPLICATION, Owner
from slimml.inventory.table import LAYER_SCHEMA, Inventory, LayerInventory
from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import sha256
from slimml.oci.image import Image, assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.media_types import OCI_CONFIG, OCI_LAYER
from slimml.oci.reference import parse_reference
from slimml.oci.tar.events import Kind

TRAILER = 100


@dataclass(frozen=True)
class Row:
    """An entry; its compressed part is half its size."""

    path: str
    size: int = 0
    kind: Kind = Kind.FILE
    form: str = "text"
    owner: int = 0


def build_inventory(
    *layers: Sequence[Row],
    owners: Sequence[Owner] = (APPLICATION,),
    commands: Sequence[str] | None = None,
    estimated: bool = False,
) -> Inventory:
    """An inventory of layers of rows, merged as slimml merges, in an image whose blobs nobody opens."""
    built = tuple(_layer(rows, estimated) for rows in layers)
    table = pa.concat_tables([layer.table for layer in built])
    merged = merge(built)
    return Inventory(
        image=_image(built, commands),
        layers=built,
        table=table,
        starts=np.cumsum([0] + [layer.table.num_rows for layer in built], dtype=np.int64),
        state=merged.state,
        by=merged.by,
        owner=np.array([row.owner for rows in layers for row in rows], dtype=np.int32),
        owners=tuple(owners),
    )


def make_finding(inventory: Inventory, rows: Sequence[int], **changes: object) -> Finding:
    """A finding of `rows`, attributed to their layers."""
    chosen = np.array(rows, dtype=np.int64)
    sizes, compressed = inventory.column("size"), inventory.column("compressed")
    shares = []
    for layer in sorted(set(inventory.layer[chosen].tolist())):
        own = chosen[inventory.layer[chosen] == layer]
        shares.append(LayerShare(layer, f"RUN {layer}", len(own), int(sizes[own].sum()), int(compressed[own].sum())))
    values: dict[str, object] = {
        "rule": "pip-cache",
        "title": "pip's cache",
        "risk": Risk.SAFE,
        "action": Action.DROP,
        "rows": chosen,
        "disk_bytes": sum(share.disk_bytes for share in shares),
        "compressed_bytes": sum(share.compressed_bytes for share in shares),
        "shares": tuple(shares),
        "fix": "RUN pip install --no-cache-dir …",
        "reason": "pip reads it only when it installs again",
    }
    return Finding(**(values | changes))  # type: ignore[arg-type]


def _layer(rows: Sequence[Row], estimated: bool) -> LayerInventory:
    zeros = [0] * len(rows)
    columns: dict[str, object] = {field.name: zeros for field in LAYER_SCHEMA}
    columns |= {
        "path": [row.path.encode("utf-8", "surrogateescape") for row in rows],
        "kind": [int(row.kind) for row in rows],
        "size": [row.size for row in rows],
        "compressed": [row.size // 2 for row in rows],
        "tar_bytes": [512 + row.size for row in rows],
        "link": [None] * len(rows),
        "content": [sha256(row.path.encode("utf-8", "surrogateescape"))[-16:].encode() for row in rows],
        "crc64": [None] * len(rows),
        "form": pa.array([row.form if row.kind is Kind.FILE else "" for row in rows], pa.string())
        .dictionary_encode()
        .cast(pa.dictionary(pa.uint8(), pa.string())),
    }
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, LAYER_SCHEMA.field(name).type)
        for name, values in columns.items()
    ]
    table = pa.Table.from_arrays(arrays, schema=LAYER_SCHEMA)
    blob = sum(row.size // 2 for row in rows) + TRAILER
    return LayerInventory(table, 1024 + sum(512 + row.size for row in rows), blob, TRAILER, {}, estimated)


def _image(layers: Sequence[LayerInventory], commands: Sequence[str] | None) -> Image:
    history = [{"created_by": command} for command in commands or [f"RUN step {i}" for i in range(len(layers))]]
    diff_ids = [sha256(f"tar {index}".encode()) for index in range(len(layers))]
    config = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": history,
        }
    ).encode()
    manifest = build_manifest(
        config=Descriptor(OCI_CONFIG, sha256(config), len(config)),
        layers=[
            Descriptor(f"{OCI_LAYER}+gzip", sha256(f"blob {index}".encode()), layer.blob_bytes)
            for index, layer in enumerate(layers)
        ],
    )
    return assemble(parse_reference("oci:somewhere:latest"), manifest, parse_config(config), _NoBlobs())


class _NoBlobs:
    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> None:
        raise AssertionError("no test of a report reads a blob")
