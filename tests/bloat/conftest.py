"""Inventories in a few lines, without tars: `inventory_of([{"usr/bin/tool": 5000}, {"usr/bin/tool": GONE}])`."""

import json
import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
import xxhash

from slimml.bloat.detect import find_bloat
from slimml.bloat.finding import Finding
from slimml.inventory.form import form_by_name
from slimml.inventory.merge import merge
from slimml.inventory.owner import APPLICATION, Owner, System
from slimml.inventory.table import LAYER_SCHEMA, Inventory, LayerInventory
from slimml.oci import media_types
from slimml.oci.config import parse_config
from slimml.oci.descriptor import Descriptor
from slimml.oci.digest import sha256
from slimml.oci.image import Image, assemble
from slimml.oci.manifest import build_manifest
from slimml.oci.reference import parse_reference
from slimml.oci.tar.events import Kind

TRAILER = 1024


@dataclass(frozen=True)
class Node:
    """One entry of a layer. `text` seeds the content: equal texts and sizes are equal contents."""

    kind: Kind = Kind.FILE
    size: int = 0
    text: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 1_700_000_000
    link: str | None = None
    debug: int = 0
    gpu: int = 0
    form: str | None = None
    content: bytes | None = None
    hashed: bool = True


def file(size: int = 100, text: str = "", **facts: object) -> Node:
    return replace(Node(size=size, text=text), **facts)


def holding(content: bytes, **facts: object) -> Node:
    """A file whose content was captured."""
    return replace(Node(size=len(content), content=content), **facts)


def folder(mode: int = 0o755) -> Node:
    return Node(Kind.DIRECTORY, mode=mode)


def symlink(target: str) -> Node:
    return Node(Kind.SYMLINK, link=target)


def hardlink(target: str) -> Node:
    return Node(Kind.HARDLINK, link=target)


GONE = Node(Kind.WHITEOUT)

Tree = Mapping[str, Node | int]


def layer_of(tree: Tree) -> LayerInventory:
    """Rows in the order of `tree`; a number is a file of so many bytes whose content nobody else has."""
    rows = []
    offset = 0
    for path, given in tree.items():
        node = file(given, text=f"{path} {len(rows)}") if isinstance(given, int) else given
        seed = node.content if node.content is not None else f"{node.text or path} {node.size}".encode()
        tar_bytes = 512 + -(-node.size // 512) * 512
        is_file = node.kind is Kind.FILE
        rows.append(
            {
                "path": path.encode("utf-8", "surrogateescape"),
                "kind": int(node.kind),
                "size": node.size,
                "mode": node.mode,
                "uid": node.uid,
                "gid": node.gid,
                "mtime": node.mtime,
                "link": None if node.link is None else node.link.encode(),
                "content": xxhash.xxh3_128_digest(seed) if is_file and node.hashed else None,
                "crc64": None if node.hashed or not is_file else xxhash.xxh3_64_intdigest(seed),
                "form": (node.form or form_by_name(path)) if is_file else "",
                "debug": node.debug,
                "gpu": node.gpu,
                "offset": offset,
                "tar_bytes": tar_bytes,
                "compressed": tar_bytes // 3 + 7,
            }
        )
        offset += tar_bytes
    captured = {path: n.content for path, n in tree.items() if isinstance(n, Node) and n.content is not None}
    blob_bytes = sum(row["compressed"] for row in rows) + 45
    return LayerInventory(pa.Table.from_pylist(rows, LAYER_SCHEMA), offset + TRAILER, blob_bytes, 45, captured)


class NoBlobs:
    def open_blob(self, descriptor: Descriptor, offset: int = 0) -> object:
        raise AssertionError("a detector reads the inventory only")


def image_of(count: int, runtime: Mapping[str, object], steps: Sequence[str]) -> Image:
    """An image with `count` layers, made by `steps` (those of metadata have to start with ENV, ARG or `#(nop)`)."""
    layers = [Descriptor(media_types.OCI_LAYER, sha256(b"%d" % n), 1) for n in range(count)]
    history = [
        {"created_by": step, "empty_layer": step.startswith(("ENV", "ARG")) or "#(nop) ENV" in step} for step in steps
    ]
    raw = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": dict(runtime),
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "history": history,
        }
    ).encode()
    config = Descriptor(media_types.OCI_CONFIG, sha256(raw), len(raw))
    return assemble(
        parse_reference("oci:image:latest"), build_manifest(config=config, layers=layers), parse_config(raw), NoBlobs()
    )


def inventory_of(
    trees: Sequence[Tree],
    packages: Mapping[Owner, Sequence[str]] | None = None,
    *,
    runtime: Mapping[str, object] | None = None,
    steps: Sequence[str] = (),
) -> Inventory:
    """An inventory of these layers. `packages` own the live paths named, and all beneath them."""
    layers = tuple(layer_of(tree) for tree in trees)
    merged = merge(layers)
    table = pa.concat_tables([layer.table for layer in layers]).combine_chunks().unify_dictionaries()
    owners = (APPLICATION, *(packages or {}))
    owner = np.zeros(table.num_rows, dtype=np.int32)
    for number, places in enumerate((packages or {}).values(), start=1):
        for row, path in enumerate(table["path"].to_pylist()):
            text = path.decode("utf-8", "surrogateescape")
            if any(text == place or text.startswith(f"{place}/") for place in places) and merged.state[row] == 0:
                owner[row] = number
    return Inventory(
        image=image_of(len(trees), runtime or {}, steps),
        layers=layers,
        table=table,
        starts=np.cumsum([0, *(layer.table.num_rows for layer in layers)], dtype=np.int64),
        state=merged.state,
        by=merged.by,
        owner=owner,
        owners=owners,
    )


def dpkg(name: str, section: str = "utils", **facts: object) -> Owner:
    return replace(Owner(System.DPKG, name, "1", section=section), **facts)


def dist(name: str, **facts: object) -> Owner:
    return replace(Owner(System.PYTHON, name, "1"), **facts)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The builders of this page."""
    return SimpleNamespace(
        file=file,
        holding=holding,
        folder=folder,
        symlink=symlink,
        hardlink=hardlink,
        gone=GONE,
        opaque=Node(Kind.OPAQUE),
        inventory=inventory_of,
        dpkg=dpkg,
        dist=dist,
        owner=Owner,
        system=System,
    )


@pytest.fixture
def found() -> Callable[..., dict[str, Finding]]:
    """The findings of an inventory by rule: `found(inventory)["apt-lists"]`."""
    return lambda inventory: {finding.rule: finding for finding in find_bloat(inventory)}


@pytest.fixture
def paths() -> Callable[[Inventory, Finding], list[str]]:
    """The paths of a finding's rows, sorted."""
    return lambda inventory, finding: sorted(posixpath.normpath(inventory.paths[row]) for row in finding.rows.tolist())
