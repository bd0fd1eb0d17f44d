"""Rules that break something are found by halving, whichever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slimml.slim.dockerfiles.good_rules import Search

RULES = tuple("abcdefghijkl")


@given(st.sets(st.sampled_from(RULES)))
def test_exactly_the_bad_ones_are_dropped(bad):
    search = Search(lambda rules: "bad" if bad & set(rules) else "")
    assert search.run(RULES) == tuple(rule for rule in RULES if rule not in bad)
    assert set(search.dropped) == bad


@given(st.sampled_from(RULES))
def test_one_of_twelve_takes_few_trials(bad):
    search = Search(lambda rules: "bad" if bad in rules else "")
    search.run(RULES)
    assert search.trials <= 9


def test_all_good_is_one_trial():
    search = Search(lambda rules: "")
    assert (search.run(RULES), search.trials) == (RULES, 1)


@pytest.mark.parametrize(("one", "other"), [("a", "b"), ("a", "l"), ("c", "g")])
def test_of_two_that_do_not_go_together_the_later_is_dropped(one, other):
    search = Search(lambda rules: "both" if one in rules and other in rules else "")
    search.run(RULES)
    assert search.dropped == {other: "both"}
