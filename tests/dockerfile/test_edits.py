"""Edits of a Dockerfile: what they change, and that they change nothing else."""

import pytest
from dockerfile_texts import dockerfiles
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slimml.dockerfile.document import parse
from slimml.dockerfile.edit import Edit, OverlappingEdits, apply, overlap
from slimml.dockerfile.spans import Span
from slimml.errors import InvalidDockerfile


def test_no_edits_give_the_file_itself():
    data = b"FROM a\r\nRUN b \\\r\n  c"
    assert apply(parse(data), []) == data


def test_a_word_behind_a_continuation_is_replaced_where_it_stands():
    document = parse(b"FROM a\nCOPY x \\\n # why\n  y /z\n")
    word = document.instructions[1].words[1]
    assert apply(document, [Edit(word.span, b"w")]) == b"FROM a\nCOPY x \\\n # why\n  w /z\n"


def test_an_insertion_and_a_replacement_meet_in_order():
    document = parse(b"FROM a\n")
    edits = [Edit(Span(5, 6), b"c"), Edit(Span(5, 5), b"b"), Edit(Span(6, 6), b"d")]
    assert apply(document, edits) == b"FROM bcd\n"


@pytest.mark.parametrize(
    "spans", [[(0, 3), (2, 4)], [(0, 3), (1, 1)], [(0, 99)]], ids=["two replacements", "an insertion within", "outside"]
)
def test_edits_that_want_the_same_bytes_are_refused(spans):
    with pytest.raises(OverlappingEdits):
        apply(parse(b"FROM a\n"), [Edit(Span(*span), b"x") for span in spans])


def test_neighbours_do_not_overlap():
    assert not overlap([Edit(Span(0, 4), b"")], [Edit(Span(4, 5), b""), Edit(Span(0, 0), b"x")])


def test_what_crosses_overlaps():
    assert overlap([Edit(Span(0, 4), b"")], [Edit(Span(3, 5), b"")])


@given(dockerfiles(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_bytes_outside_of_edits_stay(data, random):
    try:
        document = parse(data)
    except InvalidDockerfile:
        return
    words = [word.span for one in document.instructions for word in one.words if len(word.span)]
    chosen = random.sample(words, min(3, len(words)))
    changed = apply(document, [Edit(span, b"#" * len(span)) for span in chosen])
    inside = {at for span in chosen for at in range(span.start, span.end)}
    assert all(changed[at] == (ord("#") if at in inside else byte) for at, byte in enumerate(data))


@given(dockerfiles())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_words_stand_where_they_say(data):
    try:
        document = parse(data)
    except InvalidDockerfile:
        return
    for one in document.instructions:
        for word in one.words:
            there = word.span.of(data)
            if not one.json and b"\n" not in there:
                assert there.decode().rstrip(document.escape) == word.text.rstrip(document.escape)
