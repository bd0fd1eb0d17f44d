"""The house's manners that a machine can see: size of modules and functions, names, docstrings."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "slimml").rglob("*.py"))
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager"}


@pytest.fixture(params=MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def module(request):
    return request.param


def functions(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_a_module_has_at_most_400_lines(module):
    assert len(module.read_text("utf-8").splitlines()) <= 400


def test_a_function_has_at_most_60_lines(module):
    tree = ast.parse(module.read_text("utf-8"))
    long = [f.name for f in functions(tree) if f.end_lineno - f.lineno >= 60]
    assert long == []


def test_a_module_says_what_it_is_for(module):
    source = module.read_text("utf-8")
    assert not source.strip() or ast.get_docstring(ast.parse(source))


def test_public_functions_and_classes_have_docstrings(module):
    tree = ast.parse(module.read_text("utf-8"))
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert [node.name for node in defined if not node.name.startswith("_") and not ast.get_docstring(node)] == []


def test_names_say_what_a_thing_is(module):
    assert FORBIDDEN.isdisjoint(module.relative_to(ROOT).with_suffix("").parts)
