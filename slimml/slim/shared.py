"""Several images at once: layers that they share stay shared, since these keep what any of the images needs.

Each image is planned by itself first. What a shared layer keeps is all that one of these plans keeps of it. Layers that
begin all images make one tree: those that all share are planned first, then what some share above them, then each
image's own, each on top of what is settled below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from slimml.errors import SlimmlError, UsageError
from slimml.inventory.table import State
from slimml.inventory.take import build_inventory
from slimml.slim.names import MARKERS
from slimml.slim.plan import Kept, Verb
from slimml.slim.planning import make_plan
from slimml.slim.unused import unneeded_findings
from slimml.usage.closure_result import Depth

if TYPE_CHECKING:
    from slimml.bloat.finding import Finding
    from slimml.inventory.table import Inventory
    from slimml.oci.digest import Digest
    from slimml.slim.mending.prove import Gentler
    from slimml.slim.options import Options
    from slimml.slim.plan import Plan
    from slimml.slim.replacing.offer import Offer

_ROUNDS = 50
"""each round keeps more; a tree that is not settled by then is a fault"""

Stem = tuple["Digest", ...]
"""diff IDs of the layers that some images begin with"""


@dataclass(frozen=True)
class Member:
    """One of the images. `kept` is what mending found it to need, `offers` smaller contents of its rows.

    `gentler` gives others for those that probes refuse, where the image is alone.
    """

    inventory: Inventory
    findings: Sequence[Finding]
    kept: tuple[Kept, ...] = ()
    offers: Mapping[int, Offer] = field(default_factory=dict)
    gentler: Gentler | None = None

    @property
    def diff_ids(self) -> Stem:
        """Its layers."""
        return tuple(layer.diff_id for layer in self.inventory.image.layers)


def shared_plans(members: Sequence[Member], options: Options) -> list[Plan]:
    """A plan for each member, the same for layers that several begin with. Raises UsageError for --flatten."""
    if options.flatten:
        raise UsageError("--shared keeps layers that images have in common, --flatten has none: leave one of them out")
    alone = [make_plan(it.inventory, it.findings, options, it.kept, offers=it.offers) for it in members]
    tree = _Tree(members, alone, options, defaultdict(set))
    for _ in range(_ROUNDS):
        found = tree.plans()
        if not tree.learn(found):
            return found
    raise SlimmlError("the plans of images that share layers do not come to rest; optimize them one by one")


def shared_layers(members: Sequence[Member]) -> list[int]:
    """Of each member how many of its lowest layers another one begins with as well."""
    return [
        max((_common([one.diff_ids, other.diff_ids]) for other in members if other is not one), default=0)
        for one in members
    ]


def _common(stems: Sequence[Stem]) -> int:
    count = 0
    for layers in zip(*stems, strict=False):
        if len(set(layers)) > 1:
            break
        count += 1
    return count


@dataclass(frozen=True)
class _Tree:
    """`returned` are rows, by stem, that an image turned out to need where its stem's plan had let them go."""

    members: Sequence[Member]
    alone: Sequence[Plan]
    options: Options
    returned: defaultdict[Stem, set[int]]

    def plans(self) -> list[Plan]:
        found: dict[int, Plan] = {}
        self._grow(tuple(range(len(self.members))), 0, None, found)
        return [found[position] for position in range(len(self.members))]

    def learn(self, plans: Sequence[Plan]) -> bool:
        """Note what plans had to keep of the stems they stand on; whether there was anything new."""
        learned = False
        for member, plan in zip(self.members, plans, strict=True):
            above, layers = plan, member.diff_ids
            while above.below is not None:
                rows = set(above.departures.tolist())
                count = int(np.searchsorted(member.inventory.starts, len(above.below.verb), side="right")) - 1
                learned |= not rows <= self.returned[layers[:count]]
                self.returned[layers[:count]] |= rows
                above = above.below
        return learned

    def _grow(self, group: tuple[int, ...], settled: int, below: Plan | None, found: dict[int, Plan]) -> None:
        """Plan these members, whose lowest `settled` layers are `below`."""
        if len(group) == 1:
            member = self.members[group[0]]
            found[group[0]] = make_plan(
                member.inventory, member.findings, self.options, member.kept, below, member.offers
            )
            return
        count = _common([self.members[position].diff_ids for position in group])
        if count > settled:
            below = self._stem(group, count, below)
        branches: dict[Digest | None, list[int]] = defaultdict(list)
        for position in group:
            layers = self.members[position].diff_ids
            branches[layers[count] if count < len(layers) else None].append(position)
        for branch in branches.values():
            if branch and len(branch) == len(group):  # the very same image, given twice
                for position in branch:
                    self._grow((position,), count, below, found)
            else:
                self._grow(tuple(branch), count, below, found)

    def _stem(self, group: tuple[int, ...], count: int, below: Plan | None) -> Plan:
        """The plan of the lowest `count` layers of these members: all goes that none of them needs."""
        first = self.members[group[0]].inventory
        image = replace(first.image, layers=first.image.layers[:count])
        inventory = build_inventory(image, first.layers[:count])
        rows = inventory.table.num_rows
        needed = np.zeros(rows, dtype=bool)
        hidden = np.ones(rows, dtype=bool)
        for position in group:
            seen = self.members[position].inventory.state[:rows] == State.LIVE
            goes = self.alone[position].goes[:rows]
            needed |= seen & ~goes
            hidden &= goes
        returned = self._returned(self.members[group[0]].diff_ids, rows)
        needed[list(returned)] = True
        hidden &= (inventory.state != State.LIVE) & ~np.isin(inventory.column("kind"), MARKERS)
        findings = unneeded_findings(inventory, needed, hidden & ~needed)
        kept = (Kept("what an image above needs", (), returned, (), 0, "it would come to light or vanish"),)
        # What is chosen and what is spared was decided image by image.
        options = replace(
            self.options,
            depth=self.options.depth or Depth.DISTRIBUTION,
            only=frozenset(),
            skip=frozenset(),
            keep=(),
        )
        offers = self._offers(group, rows)
        plan = make_plan(inventory, findings, options, kept if returned else (), below, offers)
        return self._in_their_words(group, plan)

    def _offers(self, group: tuple[int, ...], rows: int) -> dict[int, Offer]:
        """Contents that each of these images that see a row would give it."""
        found: dict[int, Offer] = {}
        seeing = np.zeros(rows, dtype=np.int64)
        taking = np.zeros(rows, dtype=np.int64)
        for position in group:
            plan = self.alone[position]
            seeing += (self.members[position].inventory.state[:rows] == State.LIVE) & ~plan.goes[:rows]
            linked = (plan.verb == Verb.LINK) & (plan.verb[plan.target] == Verb.REPLACE)
            own = np.flatnonzero(((plan.verb == Verb.REPLACE) | linked)[:rows])
            taking[own] += 1
            found |= {row: plan.offers[row] for row in own.tolist()}
        return {row: offer for row, offer in sorted(found.items()) if seeing[row] == taking[row]}

    def _in_their_words(self, group: tuple[int, ...], plan: Plan) -> Plan:
        """The plan with the reasons that the images' own plans have for what goes, those of the first that has one."""
        why, reasons = plan.why.copy(), list(plan.reasons)
        todo = plan.goes
        if plan.below is not None:
            todo[: len(plan.below.verb)] = False
        for position in group:
            alone = self.alone[position]
            rows = np.flatnonzero(todo & alone.goes[: len(todo)])
            for number in np.unique(alone.why[rows]).tolist():
                said = alone.reasons[number]
                if said not in reasons:
                    reasons.append(said)
                why[rows[alone.why[rows] == number]] = reasons.index(said)
            todo[rows] = False
        return replace(plan, why=why, reasons=tuple(reasons))

    def _returned(self, layers: Stem, rows: int) -> tuple[int, ...]:
        """What came back of the first `rows` of images that begin with stems of these layers."""
        found = {row for stem, own in self.returned.items() if stem == layers[: len(stem)] for row in own}
        return tuple(sorted(row for row in found if row < rows))
