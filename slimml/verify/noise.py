"""What varies by itself: an original's answers to one probe, round after round, as one shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slimml.verify.anatomy import part_name, take_apart
from slimml.verify.shapes import Shape, learn, variations
from slimml.verify.values import Rules
from slimml.verify.verification import Noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slimml.probes.answer import Answer, Asked
    from slimml.probes.probe import Compare, Probe


@dataclass(frozen=True)
class Known:
    """What is known of the answers to a probe: their shape, and the rules by which it was learnt."""

    shape: Shape
    rule: Compare
    rules: Rules
    http: bool


def learn_answers(answers: Sequence[Answer], rule: Compare, *, http: bool, learnt_at: float, elapsed: float) -> Known:
    """The shape of all of an original's answers, at least one. Times as in `values.Rules`."""
    rules = Rules(rule.relative, rule.absolute, learnt_at, elapsed)
    return Known(learn([take_apart(answer, rule) for answer in answers], rules), rule, rules, http)


def ignored_parts(known: Known) -> tuple[str, ...]:
    """The parts that vary and those that the probe ignores, each with why."""
    found = [f"{part_name(where, http=known.http)}: {words}" for where, words in variations(known.shape, known.rules)]
    return (*dict.fromkeys(found), *(f"{word}: as the probe says" for word in known.rule.ignore))


def learn_noise(probes: Sequence[Probe], rounds: Sequence[Asked], learnt_at: float) -> Noise:
    """What varies between the rounds, in words, by the name of the probe; probes without variation are left out."""
    parts: dict[str, tuple[str, ...]] = {}
    for place, probe in enumerate(probes):
        answers = [asked.answers[place] for asked in rounds if place < len(asked.answers)]
        answers = [answer for answer in answers if answer.failure is None]
        if answers:
            known = learn_answers(answers, probe.compare, http=is_http(probe), learnt_at=learnt_at, elapsed=0)
            varying = ignored_parts(known)[: len(ignored_parts(known)) - len(probe.compare.ignore)]
            parts |= {probe.name: varying} if varying else {}
    return Noise(parts)


def is_http(probe: Probe) -> bool:
    """Whether the answer is a response, so that its code is a status."""
    from slimml.probes.probe import HttpProbe

    return isinstance(probe, HttpProbe)
