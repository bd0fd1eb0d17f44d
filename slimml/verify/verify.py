"""Two images asked the same questions, one after the other: what the original answers, and where the other departs."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.probes.answer import Asked
from slimml.progress import SILENT, Progress
from slimml.verify.judge import confirmed, doubtful, judge
from slimml.verify.noise import learn_noise
from slimml.verify.unchecked import not_checked
from slimml.verify.verification import Baseline, Verdict, Verification

if TYPE_CHECKING:
    from slimml.engine.container import Engine
    from slimml.oci.image import Image
    from slimml.probes.probe import Suite
    from slimml.verify.verification import Row

ROUNDS = 2
"""how often the original is asked at first"""
MORE_ROUNDS = 3
"""how often it is asked again at most, when an answer differs, to see whether it varies there by itself"""


def learn_baseline(
    engine: Engine, image: Image, suite: Suite, *, rounds: int = ROUNDS, progress: Progress = SILENT
) -> Baseline:
    """Ask the original `rounds` times, each time in fresh containers. Raises what the engine raises.

    An original that is never ready is asked once only: every probe is unproven then.
    """
    asked = _ask(engine, image, suite, rounds, progress)
    return _baseline(str(image.reference), suite, asked)


def check_against(engine: Engine, baseline: Baseline, image: Image, progress: Progress = SILENT) -> Verification:
    """Ask another image, and hold its answers together with what the original says in every round.

    Where it departs only in parts that vary by themselves it is asked a second time: what is not seen again was noise.
    """
    if not any(answer.good for answer in baseline.asked.answers):
        nothing = Asked((), None, "the original gives no good answer, so that this image was not asked")
        return _verification(engine, baseline, image, nothing, judge(baseline, nothing, 0))
    asked = _ask(engine, image, baseline.suite, 1, progress)[0]
    rows = judge(baseline, asked, time.time() - baseline.learnt_at)
    if any(map(doubtful, rows)):
        again = _ask(engine, image, baseline.suite, 1, progress)[0]
        rows = confirmed(rows, judge(baseline, again, time.time() - baseline.learnt_at))
    return _verification(engine, baseline, image, asked, rows)


def reconsider(
    engine: Engine,
    original: Image,
    baseline: Baseline,
    verification: Verification,
    *,
    rounds: int = MORE_ROUNDS,
    progress: Progress = SILENT,
) -> tuple[Baseline, Verification]:
    """Ask the original up to `rounds` times more while answers differ from it, and judge the same answers again.

    A part that two runs of the original had in common by chance is found to vary; a wrong answer stays one. Broken and
    unproven rows are left alone. The baseline that comes back knows more.
    """
    from slimml.probes.ask import ask

    asked = verification.asked
    if asked is None or not _differs(verification):
        return baseline, verification
    with engine.prepare(original, progress) as prepared:
        for _ in range(rounds):
            more = ask(engine, prepared, baseline.suite, progress)
            if more.failure is not None:
                break
            baseline = _baseline(baseline.reference, baseline.suite, [*baseline.rounds, more])
            again = judge(baseline, asked, time.time() - baseline.learnt_at)
            pairs = zip(verification.rows, again, strict=True)
            rows = tuple(new if old.verdict is Verdict.DIFFERENT else old for old, new in pairs)
            unchecked = not_checked(baseline.suite, original, rows)
            verification = replace(verification, rows=rows, not_checked=unchecked)
            if not _differs(verification):
                break
    return baseline, verification


def _differs(verification: Verification) -> bool:
    return any(row.verdict is Verdict.DIFFERENT for row in verification.rows)


def verify_images(
    engine: Engine,
    original: Image,
    slim: Image,
    suite: Suite,
    progress: Progress = SILENT,
    *,
    rounds: int = ROUNDS,
) -> Verification:
    """Whether `slim` answers as `original` does. Both run on the same engine, one after the other.

    Raises what the engine raises: Unavailable, InvalidImage, Unsupported…
    """
    baseline = learn_baseline(engine, original, suite, rounds=rounds, progress=progress)
    verification = check_against(engine, baseline, slim, progress)
    return reconsider(engine, original, baseline, verification, progress=progress)[1]


def _ask(engine: Engine, image: Image, suite: Suite, rounds: int, progress: Progress) -> list[Asked]:
    """`rounds` rounds, fewer when the image is never ready."""
    from slimml.probes.ask import ask

    found: list[Asked] = []
    with engine.prepare(image, progress) as prepared:
        for _ in range(rounds):
            found.append(ask(engine, prepared, suite, progress))
            if found[-1].failure is not None:
                break
    return found


def _baseline(reference: str, suite: Suite, asked: list[Asked]) -> Baseline:
    now = time.time()
    return Baseline(reference, suite, asked[0], learn_noise(suite.probes, asked, now), tuple(asked[1:]), now)


def _verification(
    engine: Engine, baseline: Baseline, image: Image, asked: Asked, rows: tuple[Row, ...]
) -> Verification:
    return Verification(
        original=baseline.reference,
        slim=str(image.reference),
        engine=engine.facts(),
        origin=baseline.suite.origin,
        rows=rows,
        not_checked=not_checked(baseline.suite, image, rows),
        failure=asked.failure,
        asked=asked,
    )
