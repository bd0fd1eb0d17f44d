"""Culprits among many items, against tests whose truth is known."""

from hypothesis import given
from hypothesis import strategies as st

from slimml.verify.culprits import find_culprits

PATHS = [f"owner{o}/dir{d}/file{f}" for o in range(8) for d in range(8) for f in range(8)]


def trail(path):
    return path.split("/")


def needs(*culprits):
    """A test that passes when all of these are kept."""
    return lambda kept: kept.issuperset(culprits)


@given(st.sets(st.sampled_from(PATHS), max_size=5))
def test_exactly_the_needed_items_are_found(culprits):
    found = find_culprits(PATHS, needs(*culprits), trail=trail, most=1000)
    assert (found.needed, found.smallest) == (culprits, True)


@given(st.sets(st.sampled_from(PATHS), min_size=1, max_size=4), st.sets(st.sampled_from(PATHS), max_size=20))
def test_suspects_right_or_wrong_do_not_change_what_is_found(culprits, suspects):
    found = find_culprits(PATHS, needs(*culprits), suspects=suspects, trail=trail, most=1000)
    assert found.needed == culprits


@given(st.sampled_from(PATHS))
def test_one_culprit_among_512_takes_two_tests_for_each_halving(culprit):
    found = find_culprits(PATHS, needs(culprit), trail=trail)
    assert found.tests <= 2 * 9 + 2


@given(st.sampled_from(PATHS))
def test_a_right_suspect_is_confirmed_in_three_tests(culprit):
    assert find_culprits(PATHS, needs(culprit), suspects=[culprit], trail=trail).tests <= 3


def test_all_items_are_not_tried_when_the_suspects_suffice():
    seen = []

    def passes(kept):
        seen.append(kept)
        return PATHS[0] in kept

    find_culprits(PATHS, passes, suspects=PATHS[:2], trail=trail)
    assert max(map(len, seen)) == 2


def test_nothing_is_found_when_even_all_do_not_help():
    found = find_culprits(PATHS, lambda kept: False, trail=trail)
    assert (found.needed, found.tests) == (None, 1)


def test_nothing_is_needed_when_nothing_passes_already():
    assert find_culprits(PATHS, lambda kept: True, trail=trail).needed == frozenset()


def test_a_light_branch_is_not_divided():
    found = find_culprits(PATHS, needs("owner3/dir4/file5"), trail=trail, enough=8)
    assert found.needed == {f"owner3/dir4/file{number}" for number in range(8)}


@given(st.sets(st.sampled_from(PATHS), min_size=3, max_size=6), st.integers(2, 25))
def test_what_is_given_when_tests_run_out_has_passed(culprits, most):
    found = find_culprits(PATHS, needs(*culprits), trail=trail, most=most)
    assert found.needed >= culprits
    assert found.tests <= most


@given(st.sampled_from(PATHS), st.sampled_from(PATHS))
def test_what_is_given_has_passed_where_more_can_be_worse(helps, harms):
    def passes(kept):
        return helps in kept and (harms not in kept or len(kept) > 200)

    found = find_culprits(PATHS, passes, trail=trail, most=1000)
    assert found.needed is not None
    assert passes(found.needed)


@given(st.sets(st.sampled_from(PATHS), min_size=1, max_size=3))
def test_no_set_is_tested_twice(culprits):
    seen = []

    def passes(kept):
        seen.append(kept)
        return kept >= culprits

    find_culprits(PATHS, passes, suspects=PATHS[:20], trail=trail)
    assert len(seen) == len(set(seen))


def test_either_of_two_is_enough():
    found = find_culprits(PATHS, lambda kept: bool({PATHS[3], PATHS[400]} & kept), trail=trail)
    assert found.needed in ({PATHS[3]}, {PATHS[400]})


def test_no_test_is_begun_when_time_is_over_and_one_has_passed():
    found = find_culprits(PATHS, needs(PATHS[3]), trail=trail, seconds=0)
    assert (found.needed, found.tests, found.smallest) == (frozenset(PATHS), 1, False)
