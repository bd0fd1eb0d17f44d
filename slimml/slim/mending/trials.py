"""Trying sets of removals put back: the slim image's container is given the files before it starts.

Nothing is rewritten for a trial, so that one costs a start and the probes that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.engine.container import Prepared
from slimml.probes.probe import BatchProbe, CommandProbe, HttpProbe
from slimml.progress import SILENT, Progress
from slimml.verify.verification import Verdict
from slimml.verify.verify import check_against

if TYPE_CHECKING:
    from slimml.engine.container import Container, Engine, EngineFacts, RunSpec
    from slimml.oci.image import Image
    from slimml.probes.answer import Asked
    from slimml.probes.probe import Probe, Ready
    from slimml.slim.mending.candidates import Candidates, Unit
    from slimml.slim.mending.putting_back import PutBack
    from slimml.verify.verification import Baseline, Verification

_LEAST_SECONDS = 10.0
_SLOWER = 5.0
"""how much longer than the original's an answer may take before a trial has failed"""


class PuttingBack:
    """An engine whose containers, all of one image, get an archive before they start."""

    def __init__(self, engine: Engine, prepared: Prepared, archive: Callable[[], Iterable[bytes]]) -> None:
        self.name = engine.name
        self._engine, self._prepared, self._archive = engine, prepared, archive

    def facts(self) -> EngineFacts:
        """Those of the engine itself."""
        return self._engine.facts()

    @contextmanager
    def prepare(self, image: Image, progress: Progress = SILENT) -> Iterator[Prepared]:
        """The image as it is prepared already."""
        del progress
        yield replace(self._prepared, image=image)

    @contextmanager
    def create(self, prepared: Prepared, spec: RunSpec) -> Iterator[Container]:
        """A container with the archive's files in it."""
        with self._engine.create(prepared, spec) as container:
            container.put(self._archive())
            yield container

    def sweep(self) -> tuple[str, ...]:
        """As the engine itself does it."""
        return self._engine.sweep()


class Trials:
    """Checks of the prepared slim image with units put back, each made once. `count` were made."""

    def __init__(
        self, engine: Engine, prepared: Prepared, baseline: Baseline, candidates: Candidates, put_back: PutBack
    ) -> None:
        self._engine, self._prepared, self._baseline = engine, prepared, baseline
        self._candidates, self._put_back = candidates, put_back
        self._known: dict[frozenset[Unit], Verification] = {}

    @property
    def count(self) -> int:
        """How many trials were made."""
        return len(self._known)

    def check(self, units: frozenset[Unit]) -> Verification:
        """What the slim image answers with these units in it; raises what running it raises."""
        if units not in self._known:
            rows = self._candidates.complete(units)
            engine = PuttingBack(self._engine, self._prepared, lambda: self._put_back.archive(rows))
            self._known[units] = check_against(engine, self._baseline, self._prepared.image)
        return self._known[units]


def narrowed(baseline: Baseline, failed: Verification) -> Baseline:
    """The baseline of the probes that failed alone, with timeouts that fit how fast the original was."""
    names = {row.probe for row in failed.rows if row.verdict is not Verdict.SAME}
    if failed.failure or not names:
        names = {probe.name for probe in baseline.suite.probes}
    seconds = {
        answer.probe: max(_LEAST_SECONDS, _SLOWER * answer.seconds)
        for asked in baseline.rounds
        for answer in asked.answers
    }
    suite = replace(
        baseline.suite,
        probes=tuple(
            _hurried(probe, seconds.get(probe.name)) for probe in baseline.suite.probes if probe.name in names
        ),
        ready=_hurried_ready(baseline.suite.ready, baseline.asked.ready_seconds),
    )
    first, *more = (_only(asked, names) for asked in baseline.rounds)
    return replace(baseline, suite=suite, asked=first, more=tuple(more))


def _only(asked: Asked, names: Collection[str]) -> Asked:
    return replace(asked, answers=tuple(answer for answer in asked.answers if answer.probe in names))


def _hurried(probe: Probe, seconds: float | None) -> Probe:
    if seconds is not None and isinstance(probe, HttpProbe | CommandProbe | BatchProbe):
        return replace(probe, timeout=min(probe.timeout, seconds))
    return probe


def _hurried_ready(ready: Ready | None, seconds: float | None) -> Ready | None:
    if ready is None or seconds is None:
        return ready
    return replace(ready, timeout=min(ready.timeout, max(_LEAST_SECONDS, _SLOWER * seconds)))
