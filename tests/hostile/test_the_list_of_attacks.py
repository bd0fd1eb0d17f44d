"""docs/hostile-images.md names tests that exist, limits that exist, and at least one test for each attack."""

import ast
import re
from dataclasses import fields
from pathlib import Path

from hostile_layouts import ATTACKS

from slimml import errors
from slimml.oci.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/hostile-images.md").read_text("utf-8")
CASES = {int(number): text for number, text in re.findall(r"^### (\d+)\. (.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)}
ATTACKED_ELSEWHERE = {19, 20}
"""what is no layout: no command reads a Dockerfile; every attack looks for what is left"""


def named_in(text):
    return re.findall(r"^- `(\S+)::(\w+)`$", text, re.MULTILINE)


def test_all_twenty_attacks_are_listed_with_a_test():
    assert sorted(CASES) == list(range(1, 21))
    assert [number for number, text in CASES.items() if not named_in(text)] == []


def test_every_test_that_is_named_exists():
    defined = {}
    for path in {path for path, _ in named_in(PAGE)}:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        defined[path] = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert [f"{path}::{name}" for path, name in named_in(PAGE) if name not in defined[path]] == []


def test_every_attack_runs_against_the_whole_program():
    assert {attack.case for attack in ATTACKS.values()} | ATTACKED_ELSEWHERE == set(CASES)


def test_limits_and_errors_that_are_named_exist():
    known = {field.name for field in fields(Limits)}
    named = set(re.findall(r"`([a-z]+_[a-z_]+|ratio|layers|members)`", PAGE))
    assert named - known == set()
    classes = set(re.findall(r"`([A-Z][a-z]+[A-Z]?[a-z]*)`", PAGE))
    assert {name for name in classes if not hasattr(errors, name)} == set()
