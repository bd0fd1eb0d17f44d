"""Medians, their intervals, ratios of pairs, and the order of rounds."""

import random

import pytest

from slimml.bench.rounds import interleaved
from slimml.bench.statistics import median, paired_ratio, spread


def test_the_median_lies_in_its_interval():
    found = median([3.0, 1.0, 2.0, 5.0, 4.0])
    assert found.low <= found.value == 3.0 <= found.high


def test_the_same_values_give_the_same_interval():
    values = [random.Random(1).gauss(10, 1) for _ in range(9)]
    assert median(values) == median(values)


def test_another_seed_hardly_changes_the_interval():
    generator = random.Random(2)
    values = [generator.gauss(10, 1) for _ in range(41)]
    assert median(values, seed=1).low == pytest.approx(median(values, seed=2).low, abs=0.1)


def test_one_value_has_an_interval_that_excludes_nothing():
    assert not median([2.0]).excludes(5.0)


def test_no_values_have_no_median():
    with pytest.raises(ValueError, match="no values"):
        median([])


def test_intervals_cover_the_truth_as_often_as_they_say():
    generator = random.Random(3)
    samples = [[generator.gauss(10, 1) for _ in range(15)] for _ in range(200)]
    covering = [not median(sample).excludes(10.0) for sample in samples]
    assert sum(covering) / len(covering) > 0.88


def test_what_a_pair_suffers_together_does_not_enter_its_ratio():
    slow = [1.0, 3.0, 1.0, 9.0, 2.0]
    found = paired_ratio([10 * factor for factor in slow], [5 * factor for factor in slow])
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_a_ratio_needs_as_many_values_after_as_before():
    with pytest.raises(ValueError, match="2 values before, 1 after"):
        paired_ratio([1.0, 2.0], [1.0])


def test_a_ratio_to_nothing_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        paired_ratio([0.0], [1.0])


def test_equal_values_have_no_spread():
    assert spread([2.0, 2.0, 2.0]) == 0


def test_one_outlier_makes_no_spread():
    assert spread([10.0, 10.1, 9.9, 10.0, 50.0]) < 0.05


def turns(subjects, rounds, warm_up):
    return [(turn.subject, turn.round, turn.warm_up) for turn in interleaved(subjects, rounds, warm_up)]


def test_rounds_go_forwards_and_backwards():
    assert [subject for subject, *_ in turns("AB", 4, 0)] == list("ABBAABBA")


def test_the_first_round_that_counts_goes_forward_whatever_was_warmed_up():
    assert turns("AB", 1, 1) == [("B", 0, True), ("A", 0, True), ("A", 0, False), ("B", 0, False)]


def test_every_subject_has_its_turn_in_every_round():
    counted = [(subject, number) for subject, number, warm in turns("ABC", 5, 2) if not warm]
    assert sorted(counted) == [(subject, number) for subject in "ABC" for number in range(5)]
