"""How far answers lie apart, in the terms of what they are."""

import numpy as np
import pytest

from slimml.models.candidates.drift import Kind, drift, edit_distance, kind_of
from slimml.models.candidates.guard import judge_drift

NOISE = np.random.default_rng(0)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)


CLASSES = [softmax(NOISE.normal(size=(1, 10)) * 4) for _ in range(64)]
VECTORS = [NOISE.normal(size=(1, 64)).astype(np.float32) for _ in range(64)]
STEPS = [np.repeat(NOISE.integers(0, 30, 12), 3) * (np.arange(36) % 3 > 0) for _ in range(16)]
SEQUENCES = [softmax(np.eye(30)[steps][None] * 9 + NOISE.normal(size=(1, 36, 30))) for steps in STEPS]
GATES = [(NOISE.random((1, 20, 8)) > 0.7).astype(np.float32) * 0.8 + 0.1 for _ in range(16)]


def moved(arrays, by):
    return [array + NOISE.normal(size=array.shape).astype(array.dtype) * by for array in arrays]


def verdict(old, new):
    return judge_drift([drift("output", old, new)]).passed


@pytest.mark.parametrize(("arrays", "kind"), [
    (CLASSES, Kind.CLASSES), (VECTORS, Kind.VECTOR), (SEQUENCES, Kind.SEQUENCE), (GATES, Kind.GATES),
    ([np.array([[1, 2]])], Kind.WHOLE),
])  # fmt: skip
def test_what_an_output_means_is_told_from_its_values(arrays, kind):
    assert kind_of(arrays) is kind


@pytest.mark.parametrize("arrays", [CLASSES, VECTORS, SEQUENCES, GATES])
def test_equal_answers_pass(arrays):
    assert verdict(arrays, arrays)


@pytest.mark.parametrize("arrays", [CLASSES, VECTORS, GATES])
def test_a_little_noise_passes(arrays):
    assert verdict(arrays, moved(arrays, 0.005))


@pytest.mark.parametrize("arrays", [CLASSES, VECTORS, SEQUENCES, GATES])
def test_values_that_are_no_numbers_are_refused(arrays):
    assert not verdict(arrays, [*arrays[:-1], np.full_like(arrays[-1], np.nan)])


def test_another_shape_is_refused():
    assert not verdict(VECTORS, [array[:, :32] for array in VECTORS])


def test_two_swapped_classes_are_refused():
    order = [1, 0, *range(2, 10)]
    assert not verdict(CLASSES, [array[:, order] for array in CLASSES])


def test_two_swapped_classes_are_refused_where_no_sample_is_of_them():
    logits = NOISE.normal(size=(64, 10)) * 2
    logits[:, :2] -= 20
    order = [1, 0, *range(2, 10)]
    found = drift("output", [softmax(logits)], [softmax(logits)[:, order]])
    assert (found.agreement, found.swapped) == (1.0, ((0, 1),))


def test_rotated_vectors_are_refused():
    turn = np.linalg.qr(NOISE.normal(size=(64, 64)))[0].astype(np.float32)
    assert not verdict(VECTORS, [array @ turn for array in VECTORS])


def test_a_sequence_is_judged_by_its_text():
    """One step in ten points elsewhere, but as a repeat of its neighbour: the text is the same."""
    shifted = []
    for array in SEQUENCES:
        other = array.copy()
        other[:, 2::9] = array[:, 1::9][:, : other[:, 2::9].shape[1]]
        shifted.append(other)
    found = drift("output", SEQUENCES, shifted)
    assert found.agreement == 1.0


def test_another_text_is_refused():
    assert not verdict(SEQUENCES, [array[:, ::-1] for array in SEQUENCES])


def test_gates_are_judged_by_their_side():
    assert not verdict(GATES, [1 - array for array in GATES])


def test_whole_numbers_must_stay():
    assert not verdict([np.arange(10)], [np.arange(10)[::-1]])


def test_edits_are_counted():
    assert edit_distance([*b"kitten"], [*b"sitting"]) == 3
