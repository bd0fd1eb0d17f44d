"""Medians and ratios out of measurements."""

import pytest

from slimml.bench.host_facts import Load
from slimml.bench.results import ImageFacts, Measure, Measurement
from slimml.bench.summary import summarize

FIRST, SECOND = ImageFacts("app:1", "sha256:1"), ImageFacts("app:1-slim", "sha256:2", 1)


def pull(image, number, seconds, **more):
    return Measurement(Measure.PULL, image, phases={"pull": seconds}, link="1gbit", round=number, **more)


def pairs(*times):
    """Pulls of both images, a round for each pair."""
    return [
        pull(image, number, seconds)
        for number, both in enumerate(times)
        for image, seconds in zip((FIRST, SECOND), both, strict=True)
    ]


def figures(measured):
    (setting,) = summarize(measured).settings
    return setting.images


def test_every_image_has_its_median():
    assert [found.seconds.value for found in figures(pairs((4, 2), (5, 3), (9, 1)))] == [5, 2]


def test_ratios_are_those_of_pairs():
    assert figures(pairs((4, 2), (8, 4), (20, 10)))[1].ratio.value == 0.5


def test_the_first_image_is_compared_with_nothing():
    assert figures(pairs((4, 2)))[0].ratio is None


def test_warm_ups_enter_no_median():
    assert figures([pull(FIRST, 0, 99.0, warm_up=True), pull(FIRST, 0, 1.0)])[0].seconds.value == 1.0


def test_warm_ups_tell_what_nobody_else_counted():
    measured = [pull(FIRST, 0, 9.0, warm_up=True, counters={"wire_bytes": 7}), pull(FIRST, 0, 1.0)]
    assert figures(measured)[0].counters == {"wire_bytes": 7}


def test_failures_are_told_and_not_counted():
    found = figures([*pairs((4, 2)), pull(SECOND, 1, 0.1, failure="it died"), pull(FIRST, 1, 4.0)])
    assert (found[1].failures, found[1].seconds.rounds, found[1].ratio.rounds) == (("it died",), 1, 1)


def test_an_image_that_only_failed_has_no_seconds():
    found = figures([pull(FIRST, 0, 1.0), pull(SECOND, 0, 0.1, failure="it died")])
    assert (found[1].seconds, found[1].ratio) == (None, None)


def test_phases_have_medians_of_their_own():
    starts = [
        Measurement(Measure.START, FIRST, phases={"create": 0.1 * n, "ready": 1.0 * n}, round=n) for n in (1, 2, 3)
    ]
    assert {name: found.value for name, found in figures(starts)[0].phases.items()} == pytest.approx(
        {"create": 0.2, "ready": 2.0}
    )


def test_settings_are_kept_apart():
    other = Measurement(Measure.PULL, FIRST, phases={"pull": 1.0}, link="loopback")
    assert [setting.link for setting in summarize([pull(FIRST, 0, 1.0), other]).settings] == ["1gbit", "loopback"]


def test_rounds_that_lie_apart_are_noise():
    found = summarize([pull(FIRST, number, seconds) for number, seconds in enumerate((1, 2, 3, 4, 5))])
    assert found.noise == ("the rounds of pull 1gbit lie 49% apart",)


def test_a_busy_machine_is_noise():
    found = summarize([pull(FIRST, 0, 1.0, load_before=Load(2.0, 0.5, 0.0, None))])
    assert found.noise == ("other programs kept the processors 50% busy",)


def test_remarks_are_told_once():
    assert summarize([pull(FIRST, n, 1.0, remarks=("estimated",)) for n in range(3)]).remarks == ("estimated",)
