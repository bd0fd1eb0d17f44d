"""The bars of the guard, and what an evaluation command may say."""

import sys

import pytest

from slimml.errors import UsageError
from slimml.models.candidates import guard
from slimml.models.candidates.drift import Drift, Kind
from slimml.models.candidates.processes import Failed


@pytest.mark.parametrize(("before", "after", "passed"), [
    (0.9, 0.9, True), (0.9, 0.95, True), (0.9, 0.892, True), (0.9, 0.88, False), (0.9, float("nan"), False),
    (-2.0, -2.01, True), (-2.0, -2.1, False), (0.0, 0.0, True), (0.0, -0.1, False),
])  # fmt: skip
def test_a_metric_may_drop_by_one_in_a_hundred(before, after, passed):
    assert guard.judge_metric(before, after).passed is passed


def test_vectors_that_are_right_among_themselves_may_still_be_turned():
    found = [Drift("output", Kind.VECTOR, 1.0, 0.02, -0.1)]
    assert guard.judge_turned(found) is not None


def test_vectors_that_are_nearly_where_they_were_are_not_turned():
    assert guard.judge_turned([Drift("output", Kind.VECTOR, 1.0, 0.96, 0.9)]) is None


def ask(tmp_path, program, seconds=20):
    return guard.evaluate(f'{sys.executable} -c "{program}"', tmp_path, tmp_path / "model.onnx", seconds)


def test_the_last_number_of_the_last_line_counts(tmp_path):
    assert ask(tmp_path, "print('loading'); print('accuracy 0.75')") == 0.75


def test_the_command_is_told_the_model(tmp_path):
    (tmp_path / "model.onnx").write_bytes(bytes(123))
    assert ask(tmp_path, "import os; print(os.path.getsize(os.environ['SLIMML_MODEL']))") == 123


@pytest.mark.parametrize(("program", "why"), [
    ("print('done')", "does not end with a number"), ("pass", "does not end with a number"),
    ("import sys; sys.exit('no data')", "exit code 1: no data"),
])  # fmt: skip
def test_an_evaluation_that_tells_nothing_fails(tmp_path, program, why):
    with pytest.raises(Failed, match=why):
        ask(tmp_path, program)


def test_an_evaluation_that_hangs_fails(tmp_path):
    with pytest.raises(Failed, match="longer than"):
        ask(tmp_path, "import time; time.sleep(60)", seconds=0.5)


@pytest.mark.parametrize("command", ["", "   ", "no-such-program --now", "echo 'open"])
def test_a_command_that_is_none_is_told(tmp_path, command):
    with pytest.raises(UsageError, match="--eval"):
        guard.evaluate(command, tmp_path, tmp_path / "model.onnx", 5)
