"""Carries out a plan: every changed layer rewritten once, the image put together, the ledger written, all measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from slimml import __version__
from slimml.bloat.rules import GPU_ARCHITECTURES, MODELS
from slimml.errors import Refused
from slimml.oci.artifact import LEDGER
from slimml.oci.descriptor import Descriptor
from slimml.oci.limits import DEFAULT_LIMITS, Limits
from slimml.oci.media_types import Compression
from slimml.progress import SILENT, Progress
from slimml.slim.assemble import NewLayer, build_image
from slimml.slim.changes import ContentsDiffer, Pass, begin_pass
from slimml.slim.layers import Laid, rewrite_all, stored_bytes
from slimml.slim.layout.shared_base import LABEL as LAYOUT_BASE
from slimml.slim.layout.transform import hidden_entries, lay_out, notes_of
from slimml.slim.lazily import lazy_layers
from slimml.slim.ledger import Ledger, Side, ledger_lines
from slimml.slim.ledger_entries import ledger_entries
from slimml.slim.plan import Plan, Verb
from slimml.slim.planning import make_plan
from slimml.slim.removed import RemovedContent

if TYPE_CHECKING:
    from slimml.bloat.finding import Finding
    from slimml.inventory.table import Inventory
    from slimml.oci.blobs import BlobStore
    from slimml.oci.image import Image
    from slimml.slim.layout.relayer import Relaid
    from slimml.slim.options import Options

_HARDLY_LARGER = 1.01
_OPTIONS = {GPU_ARCHITECTURES: "--gpu-arch", MODELS: "--models"}
"""how rules are asked for by themselves"""


@dataclass(frozen=True)
class Measured:
    """Bytes of an image. `stored` are its blobs as they are; `tar` its layers uncompressed; `disk` its files."""

    stored: int
    tar: int
    disk: int


@dataclass(frozen=True)
class Slimmed:
    """The result, all of whose new blobs lie in `store`. `plain` says that the source's layers are plain tars, so that
    `tar` is what compares; `ledger`, `removed` and `order` (None: not kept) are blobs of `store`.
    """

    image: Image
    store: BlobStore
    plan: Plan
    ledger: Descriptor
    removed: Descriptor | None
    before: Measured
    after: Measured
    plain: bool
    order: Descriptor | None = None
    """in which order the files are used, where a recording tells it"""
    relaid: Relaid | None = None
    """how the layers were laid out, where that was asked for"""
    remarks: tuple[str, ...] = ()
    """what was not done as asked for, and why; what a node fetches that has the previous image"""
    added: int = 0
    """files that the source did not have: bytecode"""


def optimize(
    inventory: Inventory,
    findings: Sequence[Finding],
    options: Options,
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Slimmed:
    """Plan and carry out: `make_plan`, then `carry_out`."""
    return carry_out(inventory, make_plan(inventory, findings, options), store, limits=limits, progress=progress)


def carry_out(
    inventory: Inventory,
    plan: Plan,
    store: BlobStore,
    *,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = SILENT,
) -> Slimmed:
    """Write the image of `plan`; only `store` is written to, and the image is the same for the same plan.

    Raises Refused when the result would not be smaller, InvalidImage where the image is not what its digests say, and
    what reading and writing raise.
    """
    options = plan.options
    if plan.empty and options.encoding is None and not options.flatten and options.layout is None:
        raise Refused(f"{inventory.image.reference}: nothing to gain at level {plan.options.level.value}")
    while True:
        try:
            return _attempt(inventory, plan, store, limits, progress)
        except ContentsDiffer as differing:
            plan = _unlinked(plan, differing.row)


def _unlinked(plan: Plan, row: int) -> Plan:
    """The plan with a file kept that cannot become a hard link: equal hashes, but not the same file.

    Where its target's content is replaced, so is its own, as the package databases say.
    """
    verb, why, reasons = plan.verb.copy(), plan.why.copy(), plan.reasons
    verb[row], why[row] = Verb.KEEP, -1
    if plan.verb[plan.target[row]] == Verb.REPLACE:
        offer = plan.offers[row]
        reasons = reasons if offer.why in reasons else (*reasons, offer.why)
        verb[row], why[row] = Verb.REPLACE, reasons.index(offer.why)
    return replace(plan, verb=verb, why=why, reasons=reasons)


def _attempt(inventory: Inventory, plan: Plan, store: BlobStore, limits: Limits, progress: Progress) -> Slimmed:
    image = inventory.image
    work = begin_pass(inventory, plan)
    with ExitStack() as opened:
        keeping = plan.options.keep_removed and not plan.empty
        kept = opened.enter_context(RemovedContent(store, plan.options.threads)) if keeping else None
        layers = rewrite_all(work, store, kept, limits=limits, progress=progress)
        removed = kept.finish() if kept is not None else None
    relaid = None
    if plan.options.layout is not None:
        relaid = lay_out(inventory, plan, layers, store, limits=limits, progress=progress)
        layers = list(relaid.layers)
    ordinary = layers
    remarks = relaid.notes if relaid else ()
    if plan.options.lazy is not None:
        places = relaid.places if relaid else None
        layers, more = lazy_layers(work, layers, store, places, limits=limits, progress=progress)
        remarks = (*remarks, *more)
    before = Measured(
        sum(stored_bytes(inventory, index) for index in range(len(image.layers))),
        sum(layer.tar_bytes for layer in inventory.layers),
        inventory.disk_bytes,
    )
    after = Measured(
        _stored(layers),
        sum(layer.tar_bytes for layer in layers),
        relaid.disk_bytes if relaid else _disk(work),
    )
    plain = any(layer.compression is Compression.NONE for layer in image.layers)
    if relaid is None or not relaid.kept:  # to carry some of the previous image along is what was asked for
        gained = replace(after, stored=_stored(ordinary), tar=sum(layer.tar_bytes for layer in ordinary))
        _refuse_larger(image, before, gained, plain, bool(plan.lifted or relaid))
    ledger = _write_ledger(work, [layer.new for layer in layers], removed, before, after, store, relaid)
    built = build_image(
        image,
        [layer.new for layer in layers],
        store,
        step=_step(plan.options),
        labels={
            "version": __version__,
            "level": plan.options.level.value,
            **({"depth": plan.options.depth.value} if plan.options.depth else {}),
            "source.digest": image.manifest.digest,
            "ledger.digest": ledger.digest,
            **_offered_labels(plan),
            **({LAYOUT_BASE: str(relaid.base)} if relaid else {}),
        },
        epoch=plan.options.source_date_epoch,
    )
    return Slimmed(built, store, plan, ledger, removed, before, after, plain, relaid=relaid, remarks=remarks)


def _stored(layers: Sequence[Laid]) -> int:
    return sum(layer.new.descriptor.size for layer in layers)


def _offered_labels(plan: Plan) -> dict[str, str]:
    """What is told of the contents that were replaced."""
    taken = np.flatnonzero(plan.verb == Verb.REPLACE).tolist()
    return dict(sorted({label for row in taken for label in plan.offers[row].labels}))


def _step(options: Options) -> str:
    """What the image's history says was done."""
    depth = f" --depth {options.depth.value}" if options.depth else ""
    asked = "".join(f" {_OPTIONS[rule]} {said}" for rule, said in sorted(options.asked.items()))
    more = (" --flatten" if options.flatten else "") + (" --weights-layer" if options.weights_layer else "")
    more += " --relayer" if options.layout else ""
    more += f" --lazy {options.lazy.format.value}" if options.lazy else ""
    return f"slimml optimize --level {options.level.value}{depth}{asked}{more}"


def _refuse_larger(image: Image, before: Measured, after: Measured, plain: bool, lifted: bool) -> None:
    """Raise Refused unless the result is smaller; weights in a layer of their own are worth headers and rounding."""
    old, new = (before.tar, after.tar) if plain else (before.stored, after.stored)
    if new >= old * (_HARDLY_LARGER if lifted else 1):
        kind = "bytes of plain tars" if plain else "compressed bytes"
        raise Refused(f"{image.reference}: nothing to gain: the result has {new} {kind}, the image has {old}")


def _disk(work: Pass) -> int:
    size = work.inventory.column("size")
    gone = np.isin(work.plan.verb, (Verb.DROP, Verb.LINK))
    edited = sum(new - int(size[row]) for row, (_, new) in work.after.items())
    return int(size[~gone].sum()) + edited


def _write_ledger(
    work: Pass,
    layers: Sequence[NewLayer],
    removed: Descriptor | None,
    before: Measured,
    after: Measured,
    store: BlobStore,
    relaid: Relaid | None = None,
) -> Descriptor:
    image, plan = work.inventory.image, work.plan
    ledger = Ledger(
        version=__version__,
        options=plan.options.to_json(),
        source=Side(
            diff_ids=tuple(layer.diff_id for layer in image.layers),
            layers=tuple(layer.descriptor.digest for layer in image.layers),
            compressed_bytes=before.stored,
            disk_bytes=before.disk,
            manifest=image.manifest.digest,
            config=image.config.digest,
        ),
        result=Side(
            diff_ids=tuple(layer.diff_id for layer in layers),
            layers=tuple(layer.descriptor.digest for layer in layers),
            compressed_bytes=after.stored,
            disk_bytes=after.disk,
        ),
        removed=removed.digest if removed else None,
        notes=(*plan.notes, *(notes_of(relaid) if relaid else ())),
        dangling=plan.dangling,
    )
    hidden = hidden_entries(work.inventory, plan) if relaid else ()
    with store.writer() as sink:
        for piece in _joined(ledger_lines(ledger, chain(ledger_entries(work), hidden))):
            sink.write(piece)
        return sink.commit(LEDGER)


def _joined(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Lines in larger pieces."""
    pieces: list[bytes] = []
    for line in lines:
        pieces.append(line)
        if len(pieces) == 1000:
            yield b"".join(pieces)
            pieces = []
    yield b"".join(pieces)
