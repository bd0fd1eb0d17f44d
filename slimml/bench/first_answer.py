"""Which of a suite's probes is the first question to an image, and whether what it says is right."""

from __future__ import annotations

from collections.abc import Callable

from slimml.errors import UsageError
from slimml.probes.answer import Answer
from slimml.probes.probe import BatchProbe, CommandProbe, HttpProbe, Suite

Question = HttpProbe | CommandProbe | BatchProbe
Gate = Callable[[Answer], str | None]
"""why an answer is not right, in words; None when it is"""

_ERROR = 400


def choose_question(suite: Suite, name: str | None = None) -> Question:
    """The probe that stands for the image's work: the one called `name`, else the first that asks for some.

    Of a service that is its first request that expects success and is not the one for readiness itself (if it has no
    other, that), then its first command; of other images the first batch, then the first command on its own.
    Raises UsageError where there is none.
    """
    fitting = [probe for probe in suite.probes if isinstance(probe, Question) and _can_be(probe, suite)]
    if name is not None:
        for probe in fitting:
            if probe.name == name:
                return probe
        known = ", ".join(repr(probe.name) for probe in fitting) or "none"
        raise UsageError(f"{suite.origin}: no probe {name!r} that a start can be timed with; there are: {known}")
    if not fitting:
        raise UsageError(f"{suite.origin}: a start needs a request, a command or a batch to be timed with")
    return min(fitting, key=lambda probe: _rank(probe, suite))


def ends_by_itself(question: Question) -> bool:
    """Whether the answer is all that a container's main process does."""
    return isinstance(question, BatchProbe) or (isinstance(question, CommandProbe) and question.alone)


def as_expected(answer: Answer) -> str | None:
    """The gate of the probe alone: that there is an answer, as the probe expects it."""
    return answer.failure or (answer.complaints[0] if answer.complaints else None)


def _can_be(probe: Question, suite: Suite) -> bool:
    """A service's probe needs a service that stays."""
    return ends_by_itself(probe) or (suite.ready is not None and not suite.ready.exit)


def _rank(probe: Question, suite: Suite) -> int:
    match probe:
        case HttpProbe():
            if probe.status is not None and probe.status >= _ERROR:
                return 3
            readiness = suite.ready is not None and probe.path == suite.ready.http and probe.method == "GET"
            return 1 if readiness else 0
        case CommandProbe(alone=False):
            return 2
        case BatchProbe():
            return 4 if probe.code in (0, None) else 6
        case _:
            return 5 if probe.code in (0, None) else 7
