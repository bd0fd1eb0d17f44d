"""Comparison keeps the laws of an equality with a tolerance, whatever the answers are."""

from hypothesis import given
from hypothesis import strategies as st

from slimml.probes.answer import Answer
from slimml.probes.probe import Compare
from slimml.verify.compare import compare_answers
from slimml.verify.equality import same
from slimml.verify.fitting import misfits
from slimml.verify.shapes import learn
from slimml.verify.values import Line, Rules

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["0x1f", "2026-11-22", "a b"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)),
    max_leaves=12,
)
LINES = st.lists(st.text(max_size=20).map(Line), max_size=5)
TYPES = st.sampled_from(
    ["", "application/json", "text/csv", "text/event-stream", "application/x-ndjson", "image/png", "text/plain"]
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(str.encode),
    st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"PK\x03\x04", b"PAR1", b"\x93NUMPY\x01\x00"]),
)
ANSWERS = st.builds(
    Answer,
    st.just("probe"),
    st.sampled_from([None, 0, 1, 200, 500]),
    headers=st.lists(st.tuples(st.sampled_from(["Content-Type", "Content-Encoding", "X"]), TYPES), max_size=3).map(
        tuple
    ),
    body=BODIES,
    errors=st.binary(max_size=10),
    files=st.dictionaries(st.sampled_from(["/a.csv", "/b.npz", "/c", "/d.gz"]), BODIES, max_size=3),
)
TOLERANCES = st.floats(0, 1)


@given(ANSWERS)
def test_an_answer_does_not_differ_from_itself(answer):
    assert compare_answers(answer, answer, Compare()) == ()


@given(ANSWERS, ANSWERS)
def test_it_does_not_matter_who_is_first(one, other):
    assert bool(compare_answers(one, other, Compare())) == bool(compare_answers(other, one, Compare()))


@given(st.one_of(VALUES, LINES))
def test_a_value_is_the_same_as_itself(value):
    assert same(value, value, Rules())


@given(st.one_of(VALUES, LINES), st.one_of(VALUES, LINES), TOLERANCES)
def test_two_values_are_the_same_from_both_sides(one, other, tolerance):
    rules = Rules(relative=tolerance)
    assert same(one, other, rules) == same(other, one, rules)


@given(st.lists(st.floats()), st.lists(st.floats()), TOLERANCES, TOLERANCES)
def test_what_is_the_same_stays_so_with_more_tolerance(one, other, less, more):
    less, more = sorted((less, more))
    assert same(one, other, Rules(relative=more, absolute=more)) or not same(one, other, Rules(less, less))


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_every_run_fits_what_was_learnt_of_all(values):
    shape = learn(values, Rules())
    assert [list(misfits(shape, value, Rules())) for value in values] == [[]] * len(values)


@given(st.lists(LINES, min_size=1, max_size=4))
def test_every_text_fits_what_was_learnt_of_all(texts):
    shape = learn(texts, Rules())
    assert [list(misfits(shape, text, Rules())) for text in texts] == [[]] * len(texts)


@given(st.lists(ANSWERS, min_size=1, max_size=3))
def test_learning_more_never_finds_more_differences_in_what_was_learnt(answers):
    from slimml.verify.compare import compare
    from slimml.verify.noise import learn_answers

    known = learn_answers(answers, Compare(), http=True, learnt_at=0, elapsed=0)
    assert [compare(known, answer)[0] for answer in answers] == [()] * len(answers)
