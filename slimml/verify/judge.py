"""A probe's verdict: what the original says in every round, held together with what the other image said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slimml.probes.answer import Answer
from slimml.probes.probe import HttpProbe
from slimml.verify.compare import compare
from slimml.verify.noise import ignored_parts, learn_answers
from slimml.verify.verification import Baseline, Difference, Row, Verdict

if TYPE_CHECKING:
    from slimml.probes.answer import Asked
    from slimml.probes.probe import Probe

_SERVER_ERROR = 500
"""the first of the statuses by which a server says that it failed (RFC 9110, section 15.6)"""


def judge(baseline: Baseline, asked: Asked, elapsed: float) -> tuple[Row, ...]:
    """A row for each probe of the suite; `asked` is what the other image said `elapsed` seconds after the original."""
    rows = []
    for place, probe in enumerate(baseline.suite.probes):
        rounds = [_answer(probe, place, one) for one in baseline.rounds]
        rows.append(_row(probe, baseline, rounds, _answer(probe, place, asked), elapsed))
    return tuple(rows)


def confirmed(rows: tuple[Row, ...], again: tuple[Row, ...]) -> tuple[Row, ...]:
    """`rows` less the differences in varying parts that were not seen `again`: those were noise that is rare."""
    return tuple(_confirmed(row, other) for row, other in zip(rows, again, strict=True))


def doubtful(row: Row) -> bool:
    """Whether a row differs only in parts that vary in the original, too."""
    return row.verdict is Verdict.DIFFERENT and all(difference.varying for difference in row.differences)


def _confirmed(row: Row, other: Row) -> Row:
    if not doubtful(row):
        return row
    parts = {difference.part for difference in other.differences}
    kept = tuple(difference for difference in row.differences if difference.part in parts)
    if kept or other.verdict not in (Verdict.SAME, Verdict.DIFFERENT):
        return replace(row, differences=kept) if kept else other
    return replace(row, verdict=Verdict.SAME, differences=())


def _answer(probe: Probe, place: int, asked: Asked) -> Answer:
    if place < len(asked.answers):
        return asked.answers[place]
    return Answer(probe.name, None, failure=asked.failure or "it was not asked")


def _row(probe: Probe, baseline: Baseline, rounds: list[Answer], slim: Answer, elapsed: float) -> Row:
    """The row of one probe; `rounds` are the original's answers, at least one."""
    http = isinstance(probe, HttpProbe)
    blank = Row(probe.name, Verdict.UNPROVEN, (), (), rounds[0], slim)
    bad = next((answer for answer in rounds if not answer.good), None)
    if bad is not None:
        word = bad.failure or "; ".join(bad.complaints)
        return replace(blank, differences=(Difference("original", word, _told(slim)),))
    codes = sorted({answer.code for answer in rounds if answer.code is not None})
    if len(codes) > 1 and not _ignores_code(probe):
        word = " and ".join(map(str, codes))
        return replace(
            blank, differences=(Difference("status" if http else "code", f"{word} by turns", str(slim.code)),)
        )
    known = learn_answers(rounds, probe.compare, http=http, learnt_at=baseline.learnt_at, elapsed=elapsed)
    row = replace(blank, ignored=ignored_parts(known))
    if slim.failure is not None:
        return replace(row, verdict=Verdict.BROKEN, differences=(Difference("answer", _told(rounds[0]), slim.failure),))
    differences, remarks = compare(known, slim)
    complaints = tuple(Difference("expected", "as the probe says", complaint) for complaint in slim.complaints)
    found = (*complaints, *differences)
    verdict = Verdict.SAME
    if found:
        verdict = Verdict.BROKEN if complaints or _broke(rounds[0], slim, http=http) else Verdict.DIFFERENT
    return replace(row, verdict=verdict, differences=found, remarks=remarks)


def _ignores_code(probe: Probe) -> bool:
    return not {"code", "status"}.isdisjoint(probe.compare.ignore)


def _broke(original: Answer, slim: Answer, *, http: bool) -> bool:
    """Whether the other image says itself that it failed, and the original does not."""
    if original.code is None or slim.code is None:
        return slim.code is None and original.code is not None
    if http:
        return slim.code >= _SERVER_ERROR > original.code
    return slim.code != 0 and original.code == 0


def _told(answer: Answer) -> str:
    if answer.failure is not None:
        return answer.failure
    if answer.code is None:
        return "an answer"
    return f"{'status' if answer.headers else 'code'} {answer.code}"
