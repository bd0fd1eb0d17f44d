"""An image held against itself shows no difference, however much its answers vary."""

from dataclasses import replace

import pytest

from slimml.verify.verification import Verdict
from slimml.verify.verify import check_against, learn_baseline, reconsider, verify_images

ROUNDS = 20


@pytest.fixture(scope="module")
def baseline(runc, recipe):
    return learn_baseline(runc, recipe.image(), recipe.suite)


def test_a_service_shows_no_difference_20_times_of_20(runc, recipe, baseline):
    found = []
    for _ in range(ROUNDS):
        verification = check_against(runc, baseline, recipe.image())
        baseline, verification = reconsider(runc, recipe.image(), baseline, verification)
        found += [row.differences for row in verification.rows]
    assert found == [()] * ROUNDS * len(recipe.suite.probes)


def test_the_whole_of_verify_says_the_same(engine, recipe):
    verification = verify_images(engine, recipe.image(), recipe.image("again"), recipe.suite)
    assert verification.verdict is Verdict.SAME


def test_what_varies_is_told(baseline):
    told = "\n".join(baseline.noise.parts["noisy"])
    for part in ("json:/request: a uuid", "json:/trace: a hexadecimal id", "json:/at: a time", "json:/epoch: a time",
                 "json:/results/*/id", "header:x-request-id"):  # fmt: skip
        assert part in told
    assert "steady" not in told


def test_only_the_varying_headers_of_a_steady_answer_are_told(baseline):
    assert all(part.startswith("header:x-") for part in baseline.noise.parts["rank"])


def test_an_original_that_fails_is_unproven(runc, recipe):
    suite = replace(recipe.suite, probes=(replace(recipe.suite.probes[0], status=418),))
    verification = verify_images(runc, recipe.image(), recipe.image(), suite)
    assert verification.verdict is Verdict.UNPROVEN


def test_what_was_not_checked_is_told(runc, recipe):
    suite = replace(recipe.suite, probes=recipe.suite.probes[1:2], origin="guessed from EXPOSE")
    told = "\n".join(verify_images(runc, recipe.image(), recipe.image(), suite).not_checked)
    for words in ("the probes were guessed", "requests other than GET /data", "POST", "other platforms"):
        assert words in told


def test_an_original_that_agreed_with_itself_by_chance_is_asked_again(runc, recipe):
    baseline = learn_baseline(runc, recipe.image(), recipe.suite, rounds=1)
    before = check_against(runc, baseline, recipe.image())
    _, after = reconsider(runc, recipe.image(), baseline, before)
    assert (before.verdict, after.verdict) == (Verdict.DIFFERENT, Verdict.SAME)
