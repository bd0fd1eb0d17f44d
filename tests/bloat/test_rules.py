"""The list of rules is that of the detectors."""

import ast
from pathlib import Path

import pytest

import slimml.bloat.detectors
from slimml.bloat.rules import DEAD_LIBRARIES, GPU_ARCHITECTURES, MARKED, MODELS, RULES, STRIP, UNUSED, check_rules
from slimml.errors import UsageError

SOURCES = sorted(Path(slimml.bloat.detectors.__file__).parent.glob("*.py"))


def texts():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def proposed():
    """First words of `Proposal(…)` and of the local functions that make one, where they are written out."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Proposal", "drop") and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield first.value


def test_each_rule_but_those_of_optimize_alone_is_some_detectors():
    assert set(RULES) - set(texts()) == {UNUSED, MARKED, STRIP, GPU_ARCHITECTURES, MODELS, DEAD_LIBRARIES}


def test_each_proposal_written_out_has_a_rule_of_the_list():
    found = set(proposed())
    assert len(found) > 15
    assert found - RULES == set()


@pytest.mark.parametrize(("name", "hint"), [("pip-cach", "did you mean pip-cache"), ("zzz", "known: ")])
def test_a_misspelt_rule_is_an_error_with_a_way_out(name, hint):
    check_rules(["pip-cache"], "--skip")
    with pytest.raises(UsageError, match=hint):
        check_rules([name], "--skip")
