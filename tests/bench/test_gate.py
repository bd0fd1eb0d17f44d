"""The gate before every timed answer: like the original's, apart from what varies there by itself."""

import sys
from pathlib import Path

import pytest

from slimml.bench.first_answer import as_expected
from slimml.bench.gate import gate_like, learn_gate
from slimml.engine.host import HostEngine
from slimml.probes.answer import Answer
from slimml.probes.probe import BatchProbe, HttpProbe, Suite

WORK = HttpProbe("work", "/work", 80)


def answer(body, status=200, **more):
    headers = (("Content-Type", "application/json"),)
    return Answer("work", status, headers, body.encode(), **more)


def test_the_same_answer_is_right():
    assert gate_like([answer('{"score": 0.5}')], WORK)(answer('{"score": 0.5}')) is None


def test_a_wrong_answer_with_status_200_is_told_with_its_part():
    wrong = gate_like([answer('{"score": 0.5}')], WORK)(answer('{"score": 0.9}'))
    assert "/score" in wrong
    assert "0.9" in wrong


def test_what_varies_in_the_original_is_let_pass():
    original = [answer(f'{{"score": 0.5, "id": "{name}"}}') for name in ("a81f", "03c2")]
    gate = gate_like(original, WORK)
    assert gate(answer('{"score": 0.5, "id": "77e0"}')) is None
    assert gate(answer('{"score": 0.6, "id": "77e0"}')) is not None


@pytest.mark.parametrize("bad", [answer("{}", failure="died"), answer("{}", complaints=("answered 500",))])
def test_no_answer_or_a_complaint_is_never_right(bad):
    assert gate_like([bad], WORK)(bad) is not None


@pytest.fixture(scope="module")
def engine():
    return HostEngine(venv=Path(sys.prefix))


def job(program):
    probe = BatchProbe("job", argv=("python", "-c", program))
    return Suite((probe,), "a test", network=False), probe


def test_a_gate_is_learnt_from_two_runs_of_the_original(engine):
    suite, probe = job("import os; print(os.getpid()); print(42)")
    with engine.prepare(engine.image) as prepared:
        gate = learn_gate(engine, prepared, suite, probe)
    assert gate(Answer("job", 0, body=b"123456\n42\n")) is None
    assert gate(Answer("job", 0, body=b"123456\n41\n")) is not None


def test_an_original_that_fails_leaves_the_probes_own_gate(engine):
    suite, probe = job("raise SystemExit(1)")
    with engine.prepare(engine.image) as prepared:
        assert learn_gate(engine, prepared, suite, probe) is as_expected
