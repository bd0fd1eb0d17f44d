"""Levels take risks, globs name paths."""

import pytest

from slimml.bloat.finding import Risk
from slimml.slim.options import Level, Options, matcher


@pytest.mark.parametrize(("level", "risks"), [("safe", 1), ("likely", 2), ("all", 3)])
def test_a_level_takes_its_risk_and_those_below(level, risks):
    assert Level(level).risks == frozenset([Risk.SAFE, Risk.LIKELY, Risk.ASK][:risks])


def test_only_and_skip_choose_rules():
    options = Options(only=frozenset({"one", "two"}), skip=frozenset({"two"}))
    assert [rule for rule in ("one", "two", "three") if options.takes(rule, Risk.SAFE)] == ["one"]


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("/usr/lib", "usr/lib/x/y", True),
        ("/usr/lib", "usr/library", False),
        ("/usr/*/x", "usr/lib/x", True),
        ("/usr/*/x", "usr/lib/a/x", False),
        ("/usr/**/x", "usr/lib/a/x", True),
        ("/usr/**/x", "usr/x", True),
        ("/usr/**", "usr/lib/a", True),
        ("**/*.so.?", "opt/lib.so.1", True),
        ("/a[0-9]", "a5", True),
        ("/a[!0-9]", "a5", False),
        ("/a.b", "a+b", False),
    ],
)
def test_globs_are_of_absolute_paths(glob, path, matches):
    found = matcher([glob])
    assert bool(found and found.match(path)) is matches
