"""Layers that were read before: their inventories by digest. A layer never changes, so an entry is only ever old."""

from __future__ import annotations

import hashlib
from functools import partial

import pyarrow as pa

from slimml.inventory.form import FORMS
from slimml.inventory.kept_files import KeptFiles, default_directory
from slimml.inventory.layer_file import dump_layer, load_layer
from slimml.inventory.table import LAYER_SCHEMA, LayerInventory
from slimml.oci.digest import Digest, hex_of

_FORMAT = 1
_VERSION = hashlib.sha256(f"{_FORMAT} {FORMS} {LAYER_SCHEMA}".encode()).hexdigest()[:12]
_DAMAGE = (pa.ArrowException, ValueError, KeyError)


class LayerCache:
    """Inventories of layers among `files`, named by digest and format version."""

    def __init__(self, files: KeptFiles) -> None:
        self.files = files

    def get(self, digest: Digest, *, listed: bool = False) -> LayerInventory | None:
        """The inventory of a layer, None when absent. `listed` asks for one made from an engine's list of entries."""
        return self.files.read(_name(digest, listed), load_layer, _DAMAGE)

    def put(self, digest: Digest, layer: LayerInventory, *, listed: bool = False) -> None:
        """Keep an inventory, then prune."""
        self.files.write(_name(digest, listed), partial(dump_layer, layer=layer))


def default_cache() -> LayerCache:
    """The layers in the user's cache."""
    return LayerCache(default_directory())


def _name(digest: Digest, listed: bool) -> str:
    return f"{hex_of(digest)}-{_VERSION}{'-listed' if listed else ''}.layer"
