"""What `optimize` does with a layout: the image that removal leaves is laid out anew, and the ledger tells of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Risk
from slimml.inventory.table import State
from slimml.inventory.take import take_inventory
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import Compression
from slimml.oci.tar.events import Kind
from slimml.progress import SILENT, Progress
from slimml.slim.assemble import build_image
from slimml.slim.layers import Laid
from slimml.slim.layout.relayer import Relaid, Target, relayer
from slimml.slim.layout.shared_base import base_layers
from slimml.slim.ledger import Done, LedgerEntry
from slimml.slim.names import link_texts
from slimml.slim.plan import Verb

if TYPE_CHECKING:
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.slim.options import Options
    from slimml.slim.plan import Plan

RULE = "relayer"
_HIDDEN = "a later layer hides it; the new layers hold what a container sees"
_COLUMNS = ("size", "mode", "uid", "gid", "mtime")
_NOTE = (
    "the layers above the lowest {base} were laid out anew: slimml restore brings removed content back on top of the "
    "new layers, so that a container sees what it saw; the old layers, with what they hid, are in the original image"
)


def lay_out(
    inventory: Inventory,
    plan: Plan,
    laid: Sequence[Laid],
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Relaid:
    """The layers of the result for `plan.options.layout`; `laid` are those that carrying out the plan gave.

    Raises what `relayer` raises.
    """
    options = plan.options
    assert options.layout is not None
    base = base_layers(inventory, options.layout)
    if not plan.empty:
        layers = [one.new for one in laid]
        image = build_image(inventory.image, layers, store, step="", labels={})
        inventory = take_inventory(image, limits=limits, progress=progress)
        base = sum(layer.source is not None and layer.source < base for layer in layers)
    return relayer(inventory, base, options.layout.previous, _target(options), store, limits=limits, progress=progress)


def notes_of(relaid: Relaid) -> tuple[str, ...]:
    """What the ledger has to say of the layout."""
    return (*relaid.notes, _NOTE.format(base=relaid.base))


def hidden_entries(inventory: Inventory, plan: Plan) -> Iterator[LedgerEntry]:
    """An entry for each file that a later layer hides and that the plan leaves: the new layers do not have it."""
    assert plan.options.layout is not None
    base = base_layers(inventory, plan.options.layout)
    kind = inventory.column("kind")
    hidden = (inventory.state == State.OVERWRITTEN) | (inventory.state == State.DELETED)
    hidden &= (plan.verb == Verb.KEEP) & (kind != Kind.DIRECTORY)
    hidden[: int(inventory.starts[base])] = False
    rows = np.flatnonzero(hidden)
    columns = [inventory.column(name)[rows].tolist() for name in _COLUMNS]
    links = link_texts(inventory, rows)
    for index, row in enumerate(rows.tolist()):
        size, mode, uid, gid, mtime = (int(values[index]) for values in columns)
        yield LedgerEntry(
            layer=int(inventory.layer[row]),
            path=inventory.paths[row],
            kind=Kind(int(kind[row])).name.lower(),
            size=size,
            mode=mode,
            uid=uid,
            gid=gid,
            mtime=mtime,
            link=links[index],
            live=False,
            done=Done.DROPPED,
            rule=RULE,
            risk=Risk.SAFE.value,
            reason=_HIDDEN,
        )


def _target(options: Options) -> Target:
    accepts = frozenset(Compression) if options.accepts is None else options.accepts
    return Target(options.encoding, accepts, options.threads)
