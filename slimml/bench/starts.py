"""Rounds of starts: from a cold page cache and a warm one, what Python spends in them, and what a GPU sees of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.bench.first_answer import Gate, Question, choose_question
from slimml.bench.gate import learn_gate
from slimml.bench.gpu_start import measure_gpu_start
from slimml.bench.host_facts import measure_load
from slimml.bench.python_start import measure_python_start
from slimml.bench.results import ImageFacts, Measure, Measurement
from slimml.bench.rounds import Turn, interleaved
from slimml.bench.start import StartPhases, measure_start
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.bench.directory import Directory
    from slimml.engine.container import Engine, EngineFacts, Prepared
    from slimml.inventory.table import Inventory
    from slimml.probes.probe import Suite

EXPLAINED_ROUNDS = 3
"""how often a start is watched from within: it costs time itself, and explains figures instead of being one"""
_SHOWN_IMPORTS = 20


@dataclass(frozen=True)
class Starts:
    """What starting needs: images ready to run, in the order of the command line, the first one the original."""

    engine: Engine
    facts: EngineFacts
    ready: Mapping[ImageFacts, Prepared]
    inventories: Mapping[ImageFacts, Inventory | Directory]
    suite: Suite
    question: Question
    gate: Gate
    progress: Progress

    def rounds(
        self, title: str, count: int, warm_up: int, one: Callable[[Turn[ImageFacts]], Measurement]
    ) -> Iterator[Measurement]:
        """`one` for every turn of all images."""
        for turn in interleaved(list(self.ready), count, warm_up):
            with self.progress.task(title_of(title, turn)):
                found = one(turn)
            yield found


def measure_starts(
    engine: Engine,
    inventories: Mapping[ImageFacts, Inventory | Directory],
    suite: Suite,
    rounds: int,
    warm_up: int,
    progress: Progress = SILENT,
    *,
    cold: bool = True,
) -> Iterator[Measurement]:
    """All starts; the images stay ready to run in between. An answer counts that is the first image's.

    Without `cold` those that empty the page cache are left out, for machines that others work on: then starts are warm,
    and none is watched from within.

    Raises what preparing an image and `measure_start` raise; what an image does wrong is a failure in its records.
    """
    engine.sweep()
    with ExitStack() as running:
        ready = {
            facts: running.enter_context(engine.prepare(inventory.image, progress))
            for facts, inventory in inventories.items()
        }
        question = choose_question(suite)
        gate = learn_gate(engine, next(iter(ready.values())), suite, question)
        starts = Starts(engine, engine.facts(), ready, inventories, suite, question, gate, progress)
        if cold:
            yield from starts.rounds("cold start", rounds, warm_up, lambda turn: _start(starts, turn, cold=True))
        yield from starts.rounds("warm start", rounds, warm_up, lambda turn: _start(starts, turn, cold=False))
        explained = min(rounds, EXPLAINED_ROUNDS) if cold else 0
        yield from starts.rounds("start of Python", explained, 0, lambda turn: _python(starts, turn))
        if suite.resources.gpus is not None:
            yield from starts.rounds("start on a GPU", rounds, warm_up, lambda turn: _gpu(starts, turn))


def title_of(what: str, turn: Turn[ImageFacts]) -> str:
    """What is under way, for a person who waits."""
    return f"{what}, {'warm-up' if turn.warm_up else f'round {turn.round + 1}'}: {turn.subject.reference}"


def _start(starts: Starts, turn: Turn[ImageFacts], *, cold: bool) -> Measurement:
    load_before = measure_load()
    found = measure_start(
        starts.engine,
        starts.ready[turn.subject],
        starts.suite,
        cold=cold,
        question=starts.question,
        gate=starts.gate,
    )
    return Measurement(
        Measure.START,
        turn.subject,
        phases=found.phases,
        counters=_counted(found),
        engine=starts.facts,
        page_cache=found.cooling.coldness.value,
        round=turn.round,
        warm_up=turn.warm_up,
        load_before=load_before,
        load_after=measure_load(),
        failure=found.failure,
        remarks=(found.cooling.reason,) if found.cooling.reason else (),
    )


def _counted(found: StartPhases) -> dict[str, int | float | None]:
    return {
        "second_answer_seconds": found.second_answer,
        "resolution_seconds": found.resolution,
        "peak_memory_bytes": found.peak_memory,
        "peak_resident_bytes": found.peak_resident,
        "cpu_seconds": found.cpu_seconds,
        "attempts": found.attempts,
    }


def _python(starts: Starts, turn: Turn[ImageFacts]) -> Measurement:
    """The parts of a start that Python tells of; no phases where the program is no Python."""
    found = measure_python_start(
        starts.engine,
        starts.ready[turn.subject],
        starts.suite,
        starts.inventories[turn.subject],
        question=starts.question,
        gate=starts.gate,
    )
    parts = {"interpreter": found.interpreter, "imports": found.imports, "program": found.program}
    largest = sorted(found.costs, key=lambda cost: -cost.own)[:_SHOWN_IMPORTS]
    return Measurement(
        Measure.PYTHON,
        turn.subject,
        phases={name: max(0.0, seconds) for name, seconds in parts.items() if seconds is not None},
        counters={
            **{f"import {cost.owner}": cost.own for cost in largest},
            "since_last_import_seconds": found.since_last_import,
            "later_imports_seconds": found.later_imports,
            "image_bytes": found.image_bytes,
            "read_bytes": found.read_bytes,
        },
        engine=starts.facts,
        page_cache=found.phases.cooling.coldness.value,
        round=turn.round,
        failure=found.phases.failure,
        remarks=found.remarks,
    )


def _gpu(starts: Starts, turn: Turn[ImageFacts]) -> Measurement:
    found = measure_gpu_start(
        starts.engine,
        starts.ready[turn.subject],
        starts.suite,
        gpus=starts.suite.resources.gpus or "all",
        question=starts.question,
        gate=starts.gate,
    )
    return Measurement(
        Measure.GPU,
        turn.subject,
        phases=found.phases.phases,
        counters={
            **_counted(found.phases),
            "cuda_seconds": found.cuda_seconds,
            "context_seconds": found.context_seconds,
            "ready_bytes": found.ready_bytes,
            "peak_bytes": found.peak_bytes,
            "first_inference_seconds": found.first_inference,
            "second_inference_seconds": found.second_inference,
        },
        engine=starts.facts,
        page_cache=found.phases.cooling.coldness.value,
        round=turn.round,
        warm_up=turn.warm_up,
        failure=found.phases.failure,
        remarks=found.remarks,
    )
