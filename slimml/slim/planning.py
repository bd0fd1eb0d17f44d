"""From findings and options to a plan: what goes, what follows from it, what the package databases have to say.

Files under the control of rpm, whose database slimml does not edit, and of databases that could not be read, are
dropped at level `all` only; packages of rpm never go whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from slimml.bloat.finding import Action, Finding, Risk
from slimml.bloat.packages import removable_packages, rows_of
from slimml.bloat.path_facts import SITE_NAMES
from slimml.errors import Unsupported
from slimml.inventory.owner import System
from slimml.inventory.root import merged_root
from slimml.oci.media_types import is_foreign
from slimml.oci.tar.events import Kind
from slimml.slim.below import keep_below, lay_below
from slimml.slim.check import check_plan
from slimml.slim.databases.all import update_alternatives, update_databases
from slimml.slim.databases.removal import Removal
from slimml.slim.draft import Draft, begin
from slimml.slim.layout.shared_base import base_layers
from slimml.slim.names import directories_of, repeated_paths
from slimml.slim.options import Level, Options, matcher
from slimml.slim.plan import Edit, Kept, Plan, Verb, Why
from slimml.slim.replacing.taking import same_content, saved_bytes, take_offers
from slimml.slim.top_layer import lift_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from slimml.inventory.root import Root
    from slimml.inventory.table import Inventory
    from slimml.slim.replacing.offer import Offer

_UNEDITABLE = frozenset({System.RPM, System.UNKNOWN})
_DATABASE = Why("package-database", Risk.SAFE, "the package database stays true to what is left")
_ALTERNATIVES = Why("alternatives", Risk.SAFE, "the link's last candidate goes with its package")
_FLATTEN = Why("flatten", Risk.SAFE, "hidden by a later layer, in an image that becomes one layer")


def make_plan(
    inventory: Inventory,
    findings: Sequence[Finding],
    options: Options,
    kept: Sequence[Kept] = (),
    below: Plan | None = None,
    offers: Mapping[int, Offer] | None = None,
) -> Plan:
    """The plan for `findings` at these options; checked, so that the root changes by what it says and nothing else.

    `kept` stays whatever is found of it. `below` is the plan of the lowest layers, which becomes part of this one
    unless something of it has to stay here (`Plan.departures`). `offers` are smaller contents of `replaceable` rows,
    which those get that stay. Raises Unsupported where an image cannot be flattened.
    """
    chosen = [finding for finding in findings if options.takes(finding.rule, finding.risk)]
    root = merged_root(inventory)
    staying = staying_rows(inventory, options, kept)
    notes = [f"kept {item.name}: {item.reason}" for item in kept]
    if options.layout is not None:
        notes.append(f"all above the lowest {base_layers(inventory, options.layout)} layers is laid out anew")
    draft = begin(inventory, staying | uneditable_rows(inventory, options), joined=options.flatten)
    standing = staying if below is None else staying | lay_below(draft, below, staying)
    owners = _mark_packages(draft, chosen, standing, notes)
    _mark_files(draft, chosen, notes)
    edits = _follow_alternatives(draft, root, owners)
    owners -= _settle(draft, owners)
    gone = _gone_paths(draft)
    offers = {**(below.offers if below else {}), **(offers or {})}
    replaced = take_offers(draft, offers, staying, below)
    removal = Removal(root, gone, tuple(inventory.owners[position] for position in sorted(owners)), replaced)
    edits |= update_databases(removal)
    rows = _plan_edits(draft, edits, staying, notes)
    _link(draft, chosen, standing, offers)
    lifted = lift_weights(draft, staying, notes) if options.weights_layer else frozenset[int]()
    parents = _parents(draft, gone)
    if below is not None:
        rows, parents = keep_below(draft, below, rows, parents, notes)
    disk, compressed = _expected(draft, offers)
    plan = Plan(
        options=options,
        verb=draft.verb,
        target=draft.target,
        why=draft.why,
        reasons=tuple(draft.reasons),
        edits=rows,
        parents=parents,
        dangling=_dangling(root, gone),
        notes=tuple(notes),
        disk_bytes=disk,
        compressed_bytes=compressed,
        packages=tuple(sorted(owners)),
        kept=tuple(kept),
        offers=offers,
        lifted=lifted,
        below=below,
    )
    check_plan(inventory, plan)
    return plan


def _settle(draft: Draft, owners: set[int]) -> set[int]:
    """Bring the marks to rest and turn them into verbs; gives the packages that stay after all."""
    if draft.joined:
        draft.mark(np.flatnonzero(~draft.live), _FLATTEN)
    draft.settle()
    returned = _return_databases(draft, owners)
    if draft.joined:
        _check_flattened(draft)
    else:
        draft.mark_needless_markers()
    draft.name_links()
    return returned


def staying_rows(inventory: Inventory, options: Options, kept: Sequence[Kept]) -> NDArray[np.bool_]:
    """Live rows that the user's globs name, or that mending found to be needed."""
    found = np.zeros(inventory.table.num_rows, dtype=bool)
    pattern = matcher(options.keep)
    if pattern is not None:
        found[[row for path, row in inventory.live.items() if pattern.match(path)]] = True
    for item in kept:
        found[list(item.rows)] = True
    return found


def uneditable_rows(inventory: Inventory, options: Options) -> NDArray[np.bool_]:
    """Rows that are never touched (of an odd kind, sparse, in a layer that may not be distributed anew), and below
    `all` those of databases that cannot be edited.
    """
    held = np.asarray(inventory.column("kind") == Kind.OTHER, dtype=bool)
    held |= inventory.column("tar_bytes") < inventory.column("size")
    foreign = [is_foreign(layer.descriptor.media_type) for layer in inventory.image.layers]
    held |= np.array(foreign, dtype=bool)[inventory.layer]
    if options.level is not Level.ALL:
        closed = np.array([owner.system in _UNEDITABLE for owner in inventory.owners] or [False], dtype=bool)
        live = np.zeros(len(held), dtype=bool)
        live[list(inventory.live.values())] = True
        held |= live & closed[inventory.owner]
    return held


def _mark_packages(draft: Draft, findings: Sequence[Finding], staying: NDArray[np.bool_], notes: list[str]) -> set[int]:
    """Mark packages that go whole; gives their positions. A package with a path that stays does, with what it needs."""
    inventory = draft.inventory
    packages = [finding for finding in findings if finding.action is Action.PACKAGE]
    asked = {position for finding in packages for position in finding.owners}
    closed = {position for position in asked if inventory.owners[position].system in _UNEDITABLE}
    if closed:
        notes.append(f"{len(closed)} packages of rpm stay: slimml does not edit rpm's database")
    kept = {int(position) for position in np.unique(inventory.owner[staying])}
    wanted = {id(inventory.owners[position]) for position in asked - closed - kept}
    going = removable_packages(inventory, lambda owner: id(owner) in wanted) if wanted else set()
    decided = {position for finding in packages if finding.decided for position in finding.owners}
    going |= decided - closed - kept
    if going != asked - closed:
        notes.append(f"{len(asked - closed - going)} packages stay because something that stays needs them")
    for finding in packages:
        own = going & set(finding.owners)
        why = Why(finding.rule, finding.risk, finding.reason)
        if finding.decided:
            for position in sorted(own):
                mine = finding.rows[inventory.owner[finding.rows] == position]
                named = replace(why, subject=inventory.owners[position].label)
                draft.mark(np.union1d(mine, _database_rows(inventory, {position})), named)
        else:
            draft.mark(np.union1d(rows_of(inventory, own), _database_rows(inventory, own)), why)
    return going


def _database_rows(inventory: Inventory, owners: set[int]) -> NDArray[np.int64]:
    found = (inventory.live.get(path, -1) for position in owners for path in inventory.owners[position].database)
    return np.array(sorted(row for row in found if row >= 0), dtype=np.int64)


def _return_databases(draft: Draft, owners: set[int]) -> set[int]:
    """The owners of which something has to stay after all; what records them stays as well."""
    inventory = draft.inventory
    found: set[int] = set()
    while True:
        left = draft.live & ~draft.drop & (inventory.column("kind") != Kind.DIRECTORY)
        staying = owners.intersection(np.unique(inventory.owner[left]).tolist()) - found
        if not staying:
            return found
        found |= staying
        draft.hold(_database_rows(inventory, staying))
        draft.settle()


def _mark_files(draft: Draft, findings: Sequence[Finding], notes: list[str]) -> None:
    inventory = draft.inventory
    for finding in findings:
        if finding.action is Action.DROP:
            draft.mark(finding.rows, Why(finding.rule, finding.risk, finding.reason))
            systems = {inventory.owners[int(owner)].system for owner in np.unique(inventory.owner[finding.rows])}
            if systems & _UNEDITABLE and draft.drop[finding.rows].all():
                notes.append(f"{finding.rule}: rpm's database, which is not edited, still lists files that go")


def _follow_alternatives(draft: Draft, root: Root, owners: set[int]) -> dict[str, Edit]:
    inventory = draft.inventory
    update = update_alternatives(Removal(root, _gone_paths(draft), tuple(inventory.owners[it] for it in owners)))
    draft.hold(inventory.live[path] for path in update.keep)
    draft.mark(np.array([inventory.live[path] for path in sorted(update.drop)], dtype=np.int64), _ALTERNATIVES)
    return dict(update.edits)


def _check_flattened(draft: Draft) -> None:
    left = np.flatnonzero(~draft.live & ~draft.drop)
    if left.size:
        path = draft.inventory.paths[int(left[0])]
        raise Unsupported(f"{path!r} is hidden, but a hard link of another layer needs it: leave out --flatten")


def _gone_paths(draft: Draft) -> frozenset[str]:
    paths = draft.inventory.paths
    return frozenset(paths[row] for row in np.flatnonzero(draft.drop & draft.live).tolist())


def _plan_edits(draft: Draft, edits: dict[str, Edit], staying: NDArray[np.bool_], notes: list[str]) -> dict[int, Edit]:
    inventory = draft.inventory
    kind = inventory.column("kind")
    shared = {int(row) for row in draft.links.holder}
    found: dict[int, Edit] = {}
    for path in sorted(edits):
        row = inventory.live.get(path)
        if row is None or draft.drop[row]:
            continue
        if kind[row] not in (Kind.FILE, Kind.SYMLINK) or row in shared or staying[row]:
            notes.append(f"/{path} is not updated: it is kept as it is, or shares its content with another name")
            continue
        found[row] = edits[path]
        draft.verb[row] = Verb.EDIT
        draft.why[row] = draft.reason(_DATABASE)
    return found


def _link(draft: Draft, findings: Sequence[Finding], staying: NDArray[np.bool_], offers: Mapping[int, Offer]) -> None:
    """Identical files of a layer become names of the first that stays, if none or all get the same new content."""
    inventory = draft.inventory
    free = np.isin(draft.verb, (Verb.KEEP, Verb.REPLACE)) & (inventory.column("kind") == Kind.FILE)
    free &= inventory.column("tar_bytes") >= inventory.column("size")
    free &= ~repeated_paths(inventory)
    linkable = free & ~staying
    linkable[draft.links.holder] = False
    for finding in findings:
        if finding.action is not Action.LINK or finding.targets is None:
            continue
        why = draft.reason(Why(finding.rule, finding.risk, finding.reason))
        for target in np.unique(finding.targets).tolist():
            names = [row for row in finding.rows[finding.targets == target].tolist() if linkable[row]]
            stands = target if free[target] else min(names, default=-1)
            for row in names:
                alike = same_content(draft, offers, row, stands)
                if row > stands and inventory.layer[row] == inventory.layer[stands] and alike:
                    draft.verb[row], draft.target[row], draft.why[row] = Verb.LINK, stands, why
            if stands >= 0:
                linkable[[stands, *names]] = free[names] = False


def _expected(draft: Draft, offers: Mapping[int, Offer]) -> tuple[int, int]:
    """Bytes of content, and of the blobs, that go."""
    table = draft.inventory
    size, compressed, stored = (table.column(name) for name in ("size", "compressed", "tar_bytes"))
    dropped = draft.verb == Verb.DROP
    linked = draft.verb == Verb.LINK
    share = compressed[linked] * size[linked] // np.maximum(stored[linked], 1)
    less, less_compressed = saved_bytes(table, draft.verb, offers)
    return int(size[dropped | linked].sum()) + less, int(compressed[dropped].sum() + share.sum()) + less_compressed


def _parents(draft: Draft, gone: frozenset[str]) -> Mapping[int, tuple[str, ...]]:
    """Directories without an entry of their own that would vanish, by the layer of the last path they held.

    One among Python distributions may: it would be a namespace package, which can be imported.
    """
    inventory = draft.inventory
    live = inventory.live
    told = {path for path in directories_of(gone) if path and path not in live}
    told = {path for path in told if SITE_NAMES.isdisjoint(path.split("/")[:-1])}
    if not told:
        return {}
    vanishing = told - directories_of(path for path in live if path not in gone)
    layer_of: dict[str, int] = {}
    starts = inventory.starts.tolist()
    for path in gone:
        layer = next(index for index, (_, stop) in enumerate(pairwise(starts)) if live[path] < stop)
        for parent in directories_of([path]) & vanishing:
            layer_of[parent] = max(layer, layer_of.get(parent, 0))
    found: dict[int, tuple[str, ...]] = {}
    for parent in sorted(layer_of):
        found[layer_of[parent]] = (*found.get(layer_of[parent], ()), parent)
    return found


def _dangling(root: Root, gone: frozenset[str]) -> tuple[str, ...]:
    """Live symlinks that stay and led to something that goes."""
    found = []
    for path, target in root.links.items():
        if path in gone:
            continue
        start = "" if target.startswith("/") else f"{path.rpartition('/')[0]}/"
        step = root.place(_normal(f"{start}{target}"))
        if step in gone or root.resolve(path) in gone:
            found.append(path)
    return tuple(sorted(found))


def _normal(path: str) -> str:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
