"""What verify found, as a document and at a terminal."""

import io
import json

import jsonschema
import pytest

from slimml.engine.container import EngineFacts
from slimml.probes.answer import Answer, Asked
from slimml.probes.probe import Compare, HttpProbe, Suite
from slimml.report.console import console
from slimml.report.json import document, schema_text
from slimml.report.verification import render_verification, verification_report
from slimml.verify.judge import judge
from slimml.verify.verification import Baseline, Noise, Verdict, Verification

PROBES = (
    HttpProbe("same", "/a", 80),
    HttpProbe("other", "/b", 80),
    HttpProbe("gone", "/c", 80),
    HttpProbe("noisy", "/d", 80, compare=Compare(ignore=("header:x",))),
)


def answer(name, body, code=200):
    return Answer(name, code, headers=(("content-type", "application/json"),), body=json.dumps(body).encode())


def asked(*bodies):
    found = [answer(probe.name, body) for probe, body in zip(PROBES, bodies, strict=True)]
    return Asked(tuple(found), 0.5, None)


@pytest.fixture
def verification():
    """One probe of each kind: the same, another number, no answer, and one that varies."""
    first, second = (asked(1, {"x": 0.25}, 1, {"id": number}) for number in ("a1b2c3d4", "11aa22bb"))
    baseline = Baseline("app:1", Suite(PROBES, "probes.toml"), first, Noise({}), (second,), 0.0)
    slim = asked(1, {"x": 0.26, "\x1b[2J": 1}, 1, {"id": "00aa00bb"})
    gone = Answer("gone", None, failure="connection refused: the service ended with 1")
    slim = Asked((*slim.answers[:2], gone, slim.answers[3]), 0.5, None)
    facts = EngineFacts("runc", "1.1.5", "overlay", rootless=False, runtime="runc 1.1.5")
    return Verification("app:1", "app:1-slim", facts, "probes.toml", judge(baseline, slim, 1.0), ("anything else",))


def rendered(found):
    out = io.StringIO()
    render_verification(verification_report(found), console(out, color=False))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_the_document_is_as_its_schema_says(verification):
    found = document("verification", verification_report(verification))
    jsonschema.validate(found, json.loads(schema_text("verification")))
    assert [row["verdict"] for row in found["rows"]] == ["same", "different", "broken", "same"]


def test_the_worst_probe_decides(verification):
    assert verification.verdict is Verdict.BROKEN


def test_a_difference_is_told_with_both_values(verification):
    told = rendered(verification)
    assert "json:/x\n      original  0.25\n      other     0.26\n" in told


def test_why_there_was_no_answer_is_told(verification):
    assert "connection refused: the service ended with 1" in rendered(verification)


def test_what_was_forgiven_is_told(verification):
    assert "noisy: json:/id: a hexadecimal id; header:x: as the probe says" in rendered(verification)


def test_what_was_not_checked_is_told(verification):
    assert "Not checked\n  anything else\n" in rendered(verification)


def test_the_last_line_is_the_verdict(verification):
    assert rendered(verification).splitlines()[-1].startswith("broken: 2 of 4 probes answered alike")


def test_nothing_steers_the_terminal(verification):
    told = rendered(verification)
    assert "\x1b" not in told
    assert "\\x1b[2J" in told
