"""Many images measured in one run of interleaved rounds, and what is to be kept of each."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slimml.bench.benchmark import Bench, Options, Subject, begin_run, measure
from slimml.bench.results import ImageFacts, Measure, Measurement, Run
from slimml.bench.shaping import parse_link
from slimml.bench.summary import summarize
from slimml.engine.bare.unpack import unpack_image
from slimml.engine.choose import find_engine
from slimml.engine.container import Container, Engine, EngineFacts, Prepared, RunSpec
from slimml.engine.host import HostEngine
from slimml.errors import Unavailable
from slimml.inventory.take import take_inventory
from slimml.oci.image import Image
from slimml.oci.transfer import Access
from slimml.probes.probe import Suite
from slimml.progress import SILENT, Progress
from slimml.report.bench import BenchReport
from slimml.report.json import document

HOST = "host"
"""in place of an engine: the images' roots unpacked, and run as processes of this machine"""


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds that count, rounds before them that do not, over which links pulls are, how many
    rounds of those (None: as many), and whether starts from an empty page cache, too, which everybody on the machine
    has to fill again.
    """

    rounds: int
    warm_up: int
    links: tuple[str, ...]
    pull_rounds: int | None = None
    cold: bool = True


def engine_here(wanted: str, access: Access) -> Engine | None:
    """The engine `wanted` (as --runtime takes it, or host); None for this machine itself, also where none works."""
    if wanted == HOST:
        return None
    try:
        return find_engine(wanted, access)
    except Unavailable as error:
        if wanted != "auto":
            raise
        print(f"no engine: {error}; the images' roots run on this machine instead", file=sys.stderr)
        return None


@dataclass(frozen=True)
class Measured:
    """A run: all measurements, and when each image's first round of starts that counts began, by its position."""

    run: Run
    found: tuple[Measurement, ...]
    began: Mapping[int, str]

    @property
    def images(self) -> list[ImageFacts]:
        """The images that were measured, in their order."""
        return sorted({one.image for one in self.found}, key=lambda image: image.position)

    @property
    def failures(self) -> list[str]:
        """What went wrong, each once, in words."""
        return sorted({f"{one.image.reference}: {one.failure}" for one in self.found if one.failure})

    def document(self, image: ImageFacts) -> dict[str, Any]:
        """The figures of one image, as `slimml bench --json` prints them for it alone."""
        own = [replace(one, image=replace(one.image, position=0)) for one in self.found if one.image == image]
        engine = next((one.engine for one in own if one.engine is not None), None)
        # Each image of the run is a document of its own.
        run = replace(self.run, id=f"{self.run.id}-{image.position}", began=self.began[image.position])
        return document("bench", BenchReport(run, engine, (own[0].image,), summarize(own)))


def measure_images(
    images: Sequence[tuple[str, Image]], suite: Suite, engine: Engine | None, access: Access, effort: Effort, work: Path
) -> Measured:
    """Sizes, then rounds of pulls (with an engine), then of starts; `images` with the names that they go by.

    `work` is an empty directory for what is unpacked. Raises what measuring raises.
    """
    subjects = [
        Subject(ImageFacts(name, image.manifest.digest, position), take_inventory(image))
        for position, (name, image) in enumerate(images)
    ]
    links = tuple(map(parse_link, effort.links)) if engine is not None else ()
    sized = frozenset({Measure.SIZE, *([Measure.PULL] if links else [])})
    run = begin_run(suite)
    pulls = Options(sized, effort.pull_rounds or effort.rounds, effort.warm_up, links)
    bench = Bench(engine, access, suite, pulls)
    found = [_told(one) for one in measure(subjects, bench)]
    starts = Options(frozenset({Measure.START}), effort.rounds, effort.warm_up, cold=effort.cold)
    running = engine or Unpacked([image for _, image in images], work)
    bench = Bench(running, access, suite, starts)
    began: dict[int, str] = {}
    before = _now()
    for one in measure(subjects, bench):
        found.append(_told(one))
        if not one.warm_up:
            began.setdefault(one.image.position, before)
        before = _now()
    return Measured(run, tuple(found), began)


def _now() -> str:
    """RFC 3339 in UTC, to the millisecond: images of one run follow one another within a second."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Unpacked:
    """See `engine.container.Engine`: images whose roots are unpacked below `work`, each run from there."""

    name = HOST

    def __init__(self, images: Sequence[Image], work: Path) -> None:
        self._engines: dict[str, HostEngine] = {}
        for image in images:
            root = work / image.manifest.digest.replace(":", "-")
            if not root.exists():
                root.mkdir(parents=True, mode=0o755)
                unpack_image(image, root)
            self._engines[image.manifest.digest] = HostEngine(root=root)

    def facts(self) -> EngineFacts:
        """What it is."""
        return next(iter(self._engines.values())).facts()

    def prepare(self, image: Image, progress: Progress = SILENT) -> AbstractContextManager[Prepared]:
        """The root of the image, with the command, variables and user that it says."""
        return self._engines[image.manifest.digest].prepare(image, progress)

    def create(self, prepared: Prepared, spec: RunSpec) -> AbstractContextManager[Container]:
        """What is a container for a root."""
        return self._engines[prepared.image.manifest.digest].create(prepared, spec)

    def sweep(self) -> tuple[str, ...]:
        """Remove what runs that were killed left behind; the names of what was removed."""
        return tuple(name for engine in self._engines.values() for name in engine.sweep())


def _told(one: Measurement) -> Measurement:
    setting = " ".join(filter(None, (one.measure.value, one.link, one.page_cache)))
    which = "warm-up" if one.warm_up else f"round {one.round}"
    print(f"{one.image.reference} {setting} {which}: {one.failure or f'{one.seconds:.3f} s'}", file=sys.stderr)
    return one
