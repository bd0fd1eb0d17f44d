"""Steps of a level, told from noise and from bad nights."""

import random

import pytest

from slimml.history.steps import FEWEST, find_steps


def noisy(*levels, share=0.02, seed=1):
    """Values around each of (level, how many)."""
    chance = random.Random(seed)
    return [level * chance.lognormvariate(0, share) for level, count in levels for _ in range(count)]


def places(values):
    return [step.at for step in find_steps(values).steps]


def test_a_step_is_found_where_it_is():
    assert places(noisy((1, 20), (1.3, 20))) == [20]


def test_a_step_down_is_one_as_well():
    (step,) = find_steps(noisy((1, 20), (0.7, 20))).steps
    assert step.before > step.after


def test_its_levels_are_the_medians():
    (step,) = find_steps(noisy((1, 20), (1.3, 20))).steps
    assert (step.before, step.after) == (pytest.approx(1, rel=0.02), pytest.approx(1.3, rel=0.02))


@pytest.mark.parametrize("behind", [0, 1, 2])
def test_fewer_than_three_nights_are_no_step(behind):
    assert places(noisy((1, 20), (1.3, behind))) == []


def test_the_third_night_tells():
    assert places(noisy((1, 20), (1.3, 3))) == [20]


@pytest.mark.parametrize("at", [0, 1, 10, 18, 19])
@pytest.mark.parametrize("times", [0.1, 10])
def test_one_bad_night_is_no_step(at, times):
    values = noisy((1, 20))
    values[at] *= times
    assert places(values) == []


@pytest.mark.parametrize("at", [5, 18])
def test_two_bad_nights_in_a_row_are_no_step(at):
    values = noisy((1, 20))
    values[at] *= 10
    values[at + 1] *= 6
    assert places(values) == []


def test_a_bad_night_hides_no_step():
    values = noisy((1, 20), (1.3, 20))
    values[22] *= 8
    assert places(values) == [20]


def test_two_steps_are_two():
    assert places(noisy((1, 20), (1.3, 20), (1, 20))) == [20, 40]


def test_a_step_too_small_to_matter_is_not_told():
    assert places(noisy((1, 50), (1.02, 50), share=0.002)) == []


def test_values_that_are_all_the_same_have_no_step():
    assert places([5.0] * 30) == []


def test_ten_nights_are_enough_for_a_large_step():
    assert places(noisy((1, 6), (1.5, 4))) == [6]


def test_short_series_say_nothing():
    found = find_steps(noisy((1, 4), (9, FEWEST - 5)))
    assert (found.steps, found.noise) == ((), None)


def test_the_noise_is_learnt_from_the_series():
    assert find_steps(noisy((1, 50), (1.5, 50), share=0.05)).noise == pytest.approx(0.05, rel=0.25)


def test_a_drift_is_not_taken_for_certain_steps():
    """Nights that resemble the night before prove less than as many independent ones."""
    told = 0
    for seed in range(20):
        chance, value, values = random.Random(seed), 0.0, []
        for _ in range(60):
            value = 0.5 * value + chance.gauss(0, 0.02)
            values.append(1 + value)
        told += bool(places(values))
    assert told <= 2


def test_the_place_of_a_large_step_is_sure():
    (step,) = find_steps(noisy((1, 20), (1.5, 20))).steps
    assert (step.first, step.last) == (20, 20)


def test_the_place_of_a_small_step_is_a_range():
    (step,) = find_steps(noisy((1, 40), (1.08, 40), share=0.05, seed=2)).steps
    assert step.first < step.last
    assert step.first <= 40 <= step.last


def test_a_value_that_is_none_is_refused():
    with pytest.raises(ValueError, match="above zero"):
        find_steps([1.0] * 10 + [0.0])
