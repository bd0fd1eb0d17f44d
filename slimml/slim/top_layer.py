"""A layer of their own, on top, for weights: code changes often, weights seldom, and a layer is pulled whole.

Its bytes depend on the weights alone, as long as they lie in the same directories: those are written with the time of
the first file in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.path_facts import path_facts
from slimml.inventory import form
from slimml.oci.tar.events import Entry, Kind
from slimml.oci.tar.writer import entry_header
from slimml.slim.names import ancestors, repeated_paths
from slimml.slim.plan import Verb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.table import Inventory
    from slimml.slim.draft import Draft
    from slimml.slim.layer_sink import LayerSink

_LEAST_BYTES = 1 << 20
_WEIGHTS = (
    form.MODEL_ONNX,
    form.MODEL_SAFETENSORS,
    form.MODEL_TORCH,
    form.MODEL_GGUF,
    form.MODEL_TFLITE,
    form.MODEL_TENSORFLOW,
    form.MODEL_OTHER,
)


def lift_weights(draft: Draft, staying: NDArray[np.bool_], notes: list[str]) -> frozenset[int]:
    """Give models of at least 1 MiB that stay the verb LIFT, unless their content is replaced; gives all of them.

    Files that share their content with another name stay where that name is.
    """
    inventory = draft.inventory
    facts = path_facts(inventory)
    free = facts.files & facts.of_form(*_WEIGHTS) & (facts.size >= _LEAST_BYTES) & ~staying & ~draft.held
    free &= np.isin(draft.verb, (Verb.KEEP, Verb.REPLACE)) & ~repeated_paths(inventory)
    free[draft.links.holder] = False
    free[draft.target[draft.verb == Verb.LINK]] = False
    rows = np.flatnonzero(free)
    draft.verb[rows[draft.verb[rows] == Verb.KEEP]] = Verb.LIFT
    if rows.size:
        notes.append(f"{len(rows)} models ({int(facts.size[rows].sum()) / 1e6:.1f} MB) get a layer of their own on top")
    return frozenset(rows.tolist())


class TopLayer:
    """Takes files after `make_room` for each, which writes the directories above it as the image has them."""

    def __init__(self, inventory: Inventory, sink: LayerSink) -> None:
        self._inventory, self._sink = inventory, sink
        self._there: set[str] = set()

    def write(self, data: bytes | memoryview) -> None:
        """The next bytes of the tar."""
        self._sink.write(data)

    def make_room(self, path: str) -> None:
        """Write the directories that hold `path`, each once, with the time of the first file in them."""
        inventory = self._inventory
        table = inventory.table
        time = int(table["mtime"][inventory.live[path]].as_py())
        for place in reversed(ancestors(path)):
            if place in self._there:
                continue
            self._there.add(place)
            row = inventory.live.get(place)
            mode, uid, gid = 0o755, 0, 0
            if row is not None and table["kind"][row].as_py() == Kind.DIRECTORY:
                mode, uid, gid = (int(table[name][row].as_py()) for name in ("mode", "uid", "gid"))
            self._sink.write(entry_header(Entry(place, Kind.DIRECTORY, 0, mode, uid, gid, time, "", 0, 0, 0)))
