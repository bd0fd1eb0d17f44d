"""A probe's verdict, out of the original's rounds and the other image's answer."""

from dataclasses import replace

import pytest

from slimml.probes.answer import Answer, Asked
from slimml.probes.probe import CommandProbe, Compare, HttpProbe, Suite
from slimml.verify.judge import confirmed, doubtful, judge
from slimml.verify.verification import Baseline, Noise, Verdict

HTTP = HttpProbe("asked", "/", 80)
COMMAND = CommandProbe("run", ("true",))
OK = Answer("asked", 200, headers=(("content-type", "text/plain"),), body=b"hello")


def verdict_of(rounds, slim, probe=HTTP):
    return row_of(rounds, slim, probe).verdict


def row_of(rounds, slim, probe=HTTP):
    first, *more = (Asked((answer,), None, None) for answer in rounds)
    baseline = Baseline("app", Suite((probe,), "the test"), first, Noise({}), tuple(more), 0.0)
    return judge(baseline, Asked((slim,), None, None), 1.0)[0]


def test_the_same_answer_is_the_same():
    assert verdict_of([OK, OK], OK) is Verdict.SAME


def test_another_answer_is_different():
    assert verdict_of([OK, OK], replace(OK, body=b"other")) is Verdict.DIFFERENT


@pytest.mark.parametrize(
    "slim",
    [
        replace(OK, code=500),
        replace(OK, code=None, failure="connection refused"),
        replace(OK, complaints=("status is 404, not 200",)),
    ],
)
def test_an_image_that_says_itself_that_it_failed_is_broken(slim):
    assert verdict_of([OK, OK], slim) is Verdict.BROKEN


def test_a_client_error_is_another_answer():
    assert verdict_of([OK, OK], replace(OK, code=404)) is Verdict.DIFFERENT


def test_a_command_that_fails_where_it_did_not_is_broken():
    assert verdict_of([Answer("run", 0)], Answer("run", 1), COMMAND) is Verdict.BROKEN


def test_a_command_that_fails_in_another_way_is_different():
    assert verdict_of([Answer("run", 1)], Answer("run", 2), COMMAND) is Verdict.DIFFERENT


def test_the_same_failure_is_the_same():
    assert verdict_of([Answer("run", 1, body=b"no")] * 2, Answer("run", 1, body=b"no"), COMMAND) is Verdict.SAME


@pytest.mark.parametrize(
    "bad",
    [
        replace(OK, code=None, failure="timed out"),
        replace(OK, complaints=("no 'hello' in it",)),
        replace(OK, code=503),
    ],
)
def test_an_original_that_does_not_answer_well_in_every_round_proves_nothing(bad):
    assert verdict_of([OK, bad], OK) is Verdict.UNPROVEN


def test_a_status_that_the_probe_ignores_may_vary():
    probe = replace(HTTP, compare=Compare(ignore=("status",)))
    assert verdict_of([OK, replace(OK, code=202)], replace(OK, code=204), probe) is Verdict.SAME


def test_an_image_that_was_not_asked_is_broken():
    first = Asked((OK,), None, None)
    baseline = Baseline("app", Suite((HTTP,), "the test"), first, Noise({}), (), 0.0)
    (row,) = judge(baseline, Asked((), None, "it ended with 1"), 1.0)
    assert (row.verdict, row.slim.failure) == (Verdict.BROKEN, "it ended with 1")


def test_standard_error_is_remarked_on():
    row = row_of([Answer("run", 0, errors=b"a")], Answer("run", 0, errors=b"b"), COMMAND)
    assert (row.verdict, [one.part for one in row.remarks]) == (Verdict.SAME, ["stderr:line:1"])


def numbers(*values):
    return [Answer("asked", 200, body=b'{"n": %d}' % value) for value in values]


def test_only_a_departure_in_what_varies_is_doubtful():
    assert doubtful(row_of(numbers(5, 6), *numbers(900)))
    assert not doubtful(row_of(numbers(5, 5), *numbers(900)))


def test_a_doubtful_difference_that_is_not_seen_again_is_dropped():
    rows = [row_of(numbers(5, 6), *numbers(value)) for value in (900, 7)]
    assert confirmed((rows[0],), (rows[1],))[0].verdict is Verdict.SAME


def test_a_doubtful_difference_that_is_seen_again_is_kept():
    rows = [row_of(numbers(5, 6), *numbers(value)) for value in (900, 901)]
    assert confirmed((rows[0],), (rows[1],))[0].verdict is Verdict.DIFFERENT


def test_a_difference_that_is_not_doubtful_is_kept_although_it_is_not_seen_again():
    rows = [row_of(numbers(5, 5), *numbers(value)) for value in (6, 5)]
    assert confirmed((rows[0],), (rows[1],))[0].verdict is Verdict.DIFFERENT
