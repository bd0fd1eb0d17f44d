"""What a right answer is: as its probe expects, and as the first image, the original, gives it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from slimml.bench.first_answer import Gate, Question, as_expected
from slimml.bench.start import measure_start
from slimml.verify.compare import compare
from slimml.verify.noise import is_http, learn_answers

if TYPE_CHECKING:
    from slimml.engine.container import Engine, Prepared
    from slimml.probes.answer import Answer
    from slimml.probes.probe import Suite

ROUNDS = 2
"""how often the original is started to learn what varies in its answer by itself"""


def learn_gate(engine: Engine, original: Prepared, suite: Suite, question: Question) -> Gate:
    """Start the original twice, and let pass what answers the question as it does there.

    What differs between its own answers is not held against others. An original that does not answer gives the gate of
    the probe alone: its own measurements will say what is wrong. Raises what `measure_start` raises.
    """
    rounds = [_answered(engine, original, suite, question) for _ in range(ROUNDS)]
    answers = [answer for answer in rounds if answer is not None]
    if len(answers) < ROUNDS:
        return as_expected
    return gate_like(answers, question)


def gate_like(answers: list[Answer], question: Question) -> Gate:
    """A gate for answers that are like these, all of the original; at least one."""
    learnt_at = time.time()

    def gate(answer: Answer) -> str | None:
        wrong = as_expected(answer)
        if wrong is not None:
            return wrong
        known = learn_answers(
            answers, question.compare, http=is_http(question), learnt_at=learnt_at, elapsed=time.time() - learnt_at
        )
        differences, _ = compare(known, answer)
        for one in differences:
            # A part that varies in the original as well may vary otherwise once more.
            if not one.varying:
                return f"{one.part} is {one.slim}, not {one.original} as in the original"
        return None

    return gate


def _answered(engine: Engine, original: Prepared, suite: Suite, question: Question) -> Answer | None:
    """The answer of one start, None where it failed."""
    answers: list[Answer] = []

    def noting(answer: Answer) -> str | None:
        answers.append(answer)
        return as_expected(answer)

    phases = measure_start(engine, original, suite, cold=False, question=question, gate=noting)
    return answers[-1] if phases.failure is None else None
