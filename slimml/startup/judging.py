"""Whether a change makes an image start sooner: both started in turn, warm, the ratio with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.bench.first_answer import choose_question
from slimml.bench.gate import learn_gate
from slimml.bench.rounds import interleaved
from slimml.bench.start import measure_start
from slimml.bench.statistics import Estimate, median, paired_ratio
from slimml.errors import Unproven
from slimml.progress import SILENT, Progress

if TYPE_CHECKING:
    from slimml.engine.container import Engine
    from slimml.oci.image import Image
    from slimml.probes.probe import Suite

ROUNDS = 5


@dataclass(frozen=True)
class Judgement:
    """Seconds of warm starts `before` and `after` a change, and after / before of starts made side by side."""

    before: Estimate
    after: Estimate
    ratio: Estimate

    @property
    def helps(self) -> bool:
        """Whether the whole interval of the ratio is below one."""
        return self.ratio.rounds > 1 and self.ratio.high < 1


def judge(
    engine: Engine, before: Image, after: Image, suite: Suite, rounds: int = ROUNDS, progress: Progress = SILENT
) -> Judgement:
    """Start both in turn, `rounds` times and once to warm up; only answers count that are those of `before`.

    Raises Unproven when one of them does not start or answers otherwise, UsageError for a suite without a question, and
    what the engine raises.
    """
    question = choose_question(suite)
    taken: dict[bool, list[float]] = {False: [], True: []}
    with engine.prepare(before, progress) as old, engine.prepare(after, progress) as new:
        gate = learn_gate(engine, old, suite, question)
        with progress.task("starting both in turn"):
            for turn in interleaved((False, True), rounds):
                prepared = new if turn.subject else old
                found = measure_start(engine, prepared, suite, cold=False, question=question, gate=gate)
                if found.failure is not None:
                    which = "with" if turn.subject else "without"
                    raise Unproven(f"{before.reference}: {which} the change it does not start: {found.failure}")
                if not turn.warm_up:
                    taken[turn.subject].append(found.seconds)
    return Judgement(median(taken[False]), median(taken[True]), paired_ratio(taken[False], taken[True]))
