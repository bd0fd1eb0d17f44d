"""Trends: lines that never mix, changes with the commits they came from."""

import pytest
from made_up import make_result, timed

from slimml.history.trends import trends


def sizes(*values, name="size/disk_bytes"):
    """The trend of one exact figure over as many nights."""
    (found,) = trends([make_result(night, {name: value}) for night, value in enumerate(values, 1)])
    return found


def seconds(*values, name="start/dropped/seconds", **changed):
    (found,) = trends([make_result(night, {name: timed(value)}, **changed) for night, value in enumerate(values, 1)])
    return found


def slower(at, nights=16):
    """Seconds with a bit of noise, and a third more from night `at` on, counted from 0."""
    return [(1.4 if night >= at else 1.0) + 0.01 * (night * 7 % 5) for night in range(nights)]


def commit(night):
    return f"{night:040x}"


@pytest.mark.parametrize("key", ["image", "host", "engine", "suite"])
def test_what_cannot_be_compared_is_in_two_lines(key):
    found = trends([make_result(1), make_result(2, **{key: "other"})])
    assert sorted(getattr(one.line, key) for one in found) == sorted(["other", getattr(make_result(1), key)])


def test_points_are_in_the_order_of_time():
    found = trends([make_result(2, {"size/layers": 2}), make_result(1, {"size/layers": 1})])
    assert [point.value for point in found[0].points] == [1, 2]


def test_metrics_are_chosen_by_patterns():
    result = make_result(1, {"pull/1gbit/seconds": 1.0, "pull/loopback/seconds": 1.0, "size/layers": 3})
    assert [one.metric.name for one in trends([result], ["pull/*/seconds"])] == [
        "pull/1gbit/seconds",
        "pull/loopback/seconds",
    ]


def test_exact_figures_come_before_times():
    result = make_result(1, {"pull/1gbit/seconds": 1.0, "start/warm/peak_memory_bytes": 5, "size/layers": 3})
    assert [one.metric.nature for one in trends([result])] == ["exact", "memory", "wall"]


def test_bytes_beyond_the_budget_are_told_at_once():
    (change,) = sizes(100_000_000, 100_000_000, 102_000_000).changes
    assert (change.at, change.worse, change.gates) == (2, True, True)


def test_with_the_commits_between_which_it_came():
    (change,) = sizes(100_000_000, 100_000_000, 102_000_000).changes
    assert change.commits == (commit(2), commit(3))


def test_bytes_within_the_budget_are_nothing_to_tell():
    assert sizes(100_000_000, 100_900_000, 100_100_000).changes == ()


def test_small_steps_that_add_up_are_told_with_all_their_commits():
    (change,) = sizes(*(100_000_000 + 400_000 * night for night in range(4))).changes
    assert (change.crept, change.commits) == (True, (commit(1), commit(4)))


def test_a_few_bytes_from_nothing_are_nothing_to_tell():
    assert sizes(0, 4_000, name="waste/safe_bytes").changes == ()


def test_much_from_nothing_has_no_share():
    (change,) = sizes(0, 4_000_000, name="waste/safe_bytes").changes
    assert change.share is None


def test_a_layer_more_is_told():
    (change,) = sizes(7, 7, 8, name="size/layers").changes
    assert (change.before, change.after) == (7, 8)


def test_less_is_better():
    (change,) = sizes(8, 7, name="size/layers").changes
    assert not change.worse


def test_but_less_efficiency_is_worse():
    (change,) = sizes(0.99, 0.9, name="waste/efficiency").changes
    assert change.worse


def test_exact_figures_have_no_noise():
    assert sizes(7, 7).noise is None


def test_a_step_of_times_is_told_with_its_commits():
    (change,) = seconds(*slower(10)).changes
    assert (change.at, change.commits, change.worse) == (10, (commit(10), commit(11)), True)


def test_wall_time_does_not_gate():
    (change,) = seconds(*slower(10)).changes
    assert not change.gates


@pytest.mark.parametrize("name", ["start/dropped/cpu_seconds", "start/dropped/peak_memory_bytes"])
def test_processor_time_and_memory_gate(name):
    (change,) = seconds(*slower(10), name=name).changes
    assert change.gates


def test_levels_cover_all_points():
    assert [(level.begin, level.end) for level in seconds(*slower(10)).levels] == [(0, 10), (10, 16)]


def test_a_short_series_of_times_says_that_it_is():
    assert seconds(1, 1, 1).too_short


def test_a_short_series_of_bytes_is_long_enough():
    assert not sizes(1, 1, 1).too_short


def test_what_changed_without_a_commit_is_said():
    results = [
        make_result(
            night, {"start/dropped/seconds": value}, commit="c", facts={"kernel": "6.2" if night > 10 else "6.1"}
        )
        for night, value in enumerate(slower(10), 1)
    ]
    (found,) = trends(results)
    assert found.changes[0].besides == ("the commit is the same", "kernel 6.1 → 6.2")


def test_recent_changes_are_those_of_the_last_nights():
    trend = seconds(*slower(10))
    assert (len(trend.recent(5)), len(trend.recent(6))) == (0, 1)


def test_figures_of_nothing_are_no_trouble():
    assert seconds(*[0.0] * 10).changes == ()
