"""What a budget is held against: one number of one image, from its inventory, its findings, or times of `bench`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from slimml.bloat.detectors.secrets import secret_variables
from slimml.bloat.efficiency import efficiency_of
from slimml.bloat.finding import Finding, Risk
from slimml.gates import budget as names
from slimml.gates.amount import Unit
from slimml.gates.bench_times import Estimate, Timed, Times, images_of, timed
from slimml.gates.budget import Metric

if TYPE_CHECKING:
    from slimml.bloat.score import Efficiency
    from slimml.inventory.table import Inventory

_RISKS = frozenset(risk.value for risk in Risk)
_WARM = "warm"


@dataclass(frozen=True)
class Subject:
    """An image under a gate. `named` is what the user called it; `times` are all documents that were given."""

    named: str
    inventory: Inventory
    findings: Sequence[Finding]
    times: tuple[Times, ...] = ()

    @cached_property
    def efficiency(self) -> Efficiency:
        """dive's score."""
        return efficiency_of(self.inventory)

    @property
    def known_as(self) -> frozenset[str]:
        """All that a document may call it: as named, its reference, its digests."""
        image = self.inventory.image
        return frozenset({self.named, str(image.reference), image.manifest.digest, image.config.digest})


@dataclass(frozen=True)
class Reading:
    """A number in the metric's unit. `timed` is where a time came from; `note` what else is to be known of it."""

    value: float
    note: str = ""
    timed: Timed | None = None

    @property
    def interval(self) -> Estimate | None:
        """The interval of a time that was measured more than once."""
        seconds = self.timed.figures.seconds if self.timed else None
        return seconds if seconds is not None and seconds.rounds > 1 else None


@dataclass(frozen=True)
class Unread:
    """Why there is no number. `broken` says that the image itself is to blame: it failed when it was measured."""

    reason: str
    broken: bool = False


def read_metric(metric: Metric, subject: Subject, link: str | None = None) -> Reading | Unread:
    """What `metric` is of an image; `link` chooses a pull, None takes the slowest."""
    if metric.rule:
        return _finding(metric, subject)
    if metric.name in (names.PULL, names.COLD_START):
        return _time(metric, subject, link)
    return _READERS[metric.name](subject)


def _size(subject: Subject) -> Reading:
    return Reading(subject.inventory.disk_bytes)


def _compressed(subject: Subject) -> Reading:
    return Reading(subject.inventory.compressed_bytes, _estimated(subject))


def _largest_layer(subject: Subject) -> Reading:
    layers = subject.inventory.layers
    return Reading(max((layer.blob_bytes for layer in layers), default=0), _estimated(subject))


def _estimated(subject: Subject) -> str:
    estimated = any(layer.estimated for layer in subject.inventory.layers)
    return "estimated: no compressed layer was read" if estimated else ""


def _waste(subject: Subject) -> Reading:
    return Reading(sum(finding.disk_bytes for finding in subject.findings if finding.risk is Risk.SAFE))


def _secrets(subject: Subject) -> Reading:
    files = sum(len(finding.mentioned) for finding in subject.findings if finding.rule == "secret-files")
    variables = len(secret_variables(subject.inventory))
    return Reading(files + variables, f"in files: {files}, in variables: {variables}" if files + variables else "")


def _root(subject: Subject) -> Reading:
    return Reading(float(any(finding.rule == "runs-as-root" for finding in subject.findings)))


def _user_wasted(subject: Subject) -> Reading:
    """dive/image/analysis.go: wasted bytes over the bytes of all layers but the first, as floats divide."""
    inventory, wasted = subject.inventory, subject.efficiency.wasted_bytes
    first = int(inventory.starts[1]) if len(inventory.layers) else 0
    user = int(inventory.column("size")[first:].sum())
    if not user:
        return Reading(math.inf, "the layers above the first hold no bytes") if wasted else Reading(0.0)
    return Reading(wasted / user)


_READERS: dict[str, Callable[[Subject], Reading | Unread]] = {
    names.SIZE: _size,
    names.COMPRESSED: _compressed,
    names.LAYERS: lambda subject: Reading(len(subject.inventory.layers)),
    names.LARGEST_LAYER: _largest_layer,
    names.WASTE: _waste,
    names.EFFICIENCY: lambda subject: Reading(subject.efficiency.score),
    names.SECRETS: _secrets,
    names.ROOT: _root,
    names.DIVE_EFFICIENCY.name: lambda subject: Reading(subject.efficiency.score),
    names.DIVE_WASTED.name: lambda subject: Reading(subject.efficiency.wasted_bytes),
    names.DIVE_USER_WASTED.name: _user_wasted,
}


def _finding(metric: Metric, subject: Subject) -> Reading:
    of_risk = metric.rule in _RISKS
    found = [one for one in subject.findings if (one.risk.value if of_risk else one.rule) == metric.rule]
    if metric.unit is Unit.FLAG:
        return Reading(float(bool(found)), "; ".join(dict.fromkeys(one.title for one in found)))
    return Reading(sum(one.disk_bytes for one in found))


def _time(metric: Metric, subject: Subject, link: str | None) -> Reading | Unread:
    """The slowest of what was measured: pulls by link, starts without those whose files were in memory already."""
    if not subject.times:
        return Unread("no times were given; --bench takes a document of slimml bench --json")
    pull = metric.name == names.PULL
    found = timed(subject.times, "pull" if pull else "start", subject.known_as)
    if not found:
        there = ", ".join(images_of(subject.times)) or "no image"
        return Unread(f"the documents of --bench tell of {there}, not of {subject.named}")
    chosen = [one for one in found if (link is None or one.setting.link == link) and one.setting.page_cache != _WARM]
    if not chosen:
        there = ", ".join(dict.fromkeys(one.circumstances for one in found))
        return Unread(f"it was not measured {f'over {link}' if link else 'cold'}, only: {there}")
    failures = [failure for one in chosen for failure in one.figures.failures]
    times = [(one.figures.seconds.value, one) for one in chosen if one.figures.seconds is not None]
    if not times:
        return Unread(failures[0] if failures else "it was not timed", broken=bool(failures))
    value, slowest = max(times, key=lambda pair: pair[0])
    return Reading(value, slowest.circumstances, slowest)
