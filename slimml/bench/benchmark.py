"""One benchmark of images, or of directories: their sizes, then rounds of pulls over each link, then of starts."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import slimml
from slimml.bench.directory import Directory
from slimml.bench.host_facts import host_facts
from slimml.bench.pull import measure_pull, ready_to_pull
from slimml.bench.pullers import puller_of
from slimml.bench.registry import named_registry, own_registry
from slimml.bench.results import ImageFacts, Measure, Measurement, Run
from slimml.bench.rounds import interleaved
from slimml.bench.salted import Saltable, saltable, salts
from slimml.bench.shaping import Link
from slimml.bench.size import measure_directory, measure_size
from slimml.bench.starts import measure_starts, title_of
from slimml.oci.blobs import BlobStore
from slimml.progress import SILENT, Progress
from slimml.slim.workshop import work_store

if TYPE_CHECKING:
    from slimml.bench.pullers import Puller
    from slimml.engine.container import Engine
    from slimml.inventory.table import Inventory
    from slimml.oci.transfer import Access
    from slimml.probes.probe import Suite

ALL = frozenset(Measure)


@dataclass(frozen=True)
class Subject:
    """One image to be measured, or a directory in its place, which can be pulled from nowhere."""

    facts: ImageFacts
    inventory: Inventory | Directory


@dataclass(frozen=True)
class Options:
    """What is measured. Of `rounds` every one is as good as the other; before them go `warm_up` rounds of pulls over
    the quickest link, and as many starts, which count nowhere. `registry` is HOST:PORT[/PREFIX], None for our own.
    Without `cold` no start empties the page cache (see `measure_starts`).
    """

    measures: frozenset[Measure] = ALL
    rounds: int = 5
    warm_up: int = 1
    links: tuple[Link, ...] = ()
    registry: str | None = None
    cold: bool = True


@dataclass(frozen=True)
class Bench:
    """What measuring needs: the engine (None: only sizes are measured), how places are reached, and the probes (None:
    starts are not). `puller` pulls in place of the engine.
    """

    engine: Engine | None
    access: Access
    suite: Suite | None
    options: Options
    progress: Progress = SILENT
    puller: Puller | None = None

    def measures(self, measure: Measure) -> bool:
        """Whether it is to be measured."""
        able = {Measure.SIZE: True, Measure.PULL: (self.puller or self.engine) is not None}
        return measure in self.options.measures and able.get(measure, self.engine is not None)


def begin_run(suite: Suite | None) -> Run:
    """A run that begins now, on this machine."""
    began = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Run(secrets.token_hex(8), began, slimml.__version__, host_facts(), suite.origin if suite else None)


def measure(subjects: Sequence[Subject], bench: Bench) -> Generator[Measurement, None, None]:
    """All measurements, each as soon as it is made; closing the iterator takes everything down.

    An image that does not start gives records that say so. Raises what pushing, pulling, preparing raise.
    """
    if bench.measures(Measure.PULL):
        with work_store() as work:
            pushable = {one.facts: _saltable(one, work, bench) for one in subjects}
            yield from _sizes(subjects, bench, pushable)
            yield from _pulls(subjects, bench, pushable, work)
    else:
        yield from _sizes(subjects, bench, {})
    if bench.measures(Measure.START) and bench.engine is not None and bench.suite is not None:
        inventories = {one.facts: one.inventory for one in subjects}
        options = bench.options
        yield from measure_starts(
            bench.engine,
            inventories,
            bench.suite,
            options.rounds,
            options.warm_up,
            bench.progress,
            cold=options.cold,
        )


def _saltable(subject: Subject, work: BlobStore, bench: Bench) -> Saltable:
    return saltable(subject.inventory.image, work, limits=bench.access.limits, progress=bench.progress)


def _sizes(subjects: Sequence[Subject], bench: Bench, pushable: dict[ImageFacts, Saltable]) -> Iterator[Measurement]:
    if not bench.measures(Measure.SIZE):
        return
    for one in subjects:
        if isinstance(one.inventory, Directory):
            yield measure_directory(one.inventory, one.facts)
            continue
        pushed = [kept.descriptor.size for kept in pushable[one.facts].layers] if one.facts in pushable else None
        yield measure_size(one.inventory, one.facts, pushed)


def _pulls(
    subjects: Sequence[Subject], bench: Bench, pushable: dict[ImageFacts, Saltable], work: BlobStore
) -> Iterator[Measurement]:
    """Rounds for each link, the quickest first: what is slow only because it is the first time is over with it then."""
    options = bench.options
    links = sorted(options.links, key=lambda link: (-(link.rate or float("inf")), link.delay))
    puller = bench.puller
    if puller is None:
        assert bench.engine is not None
        puller = puller_of(bench.engine, Path(work.path) / "pulled", bench.access)
    blocks = salts()
    with ExitStack() as running:
        named = named_registry(options.registry) if options.registry else None
        registry = named or running.enter_context(own_registry(work))
        pulls = running.enter_context(ready_to_pull(puller, registry, links, bench.access))
        for place, link in enumerate(links):
            warm_up = options.warm_up if place == 0 else 0
            for turn in interleaved([one.facts for one in subjects], options.rounds, warm_up):
                with bench.progress.task(title_of(f"pull over {link.name}", turn)):
                    found = measure_pull(pulls, pushable[turn.subject], next(blocks), link, turn)
                yield found
