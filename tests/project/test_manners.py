"""The house's manners that a machine can see: size of modules and functions, names, docstrings."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {path.relative_to(ROOT): path.read_text("utf-8") for path in sorted((ROOT / "slimml").rglob("*.py"))}
TREES = {path: ast.parse(source) for path, source in SOURCES.items()}
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager"}


def test_a_module_has_at_most_400_lines():
    assert [str(path) for path, source in SOURCES.items() if len(source.splitlines()) > 400] == []


def test_a_function_has_at_most_60_lines():
    functions = ((path, node) for path, tree in TREES.items() for node in ast.walk(tree)
                 if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))  # fmt: skip
    assert [f"{path}: {node.name}" for path, node in functions if node.end_lineno - node.lineno >= 60] == []


def test_a_module_says_what_it_is_for():
    assert [str(path) for path, tree in TREES.items() if tree.body and not ast.get_docstring(tree)] == []


def test_public_functions_and_classes_say_what_they_are():
    defined = ((path, node) for path, tree in TREES.items() for node in tree.body
               if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"))  # fmt: skip
    assert [f"{path}: {node.name}" for path, node in defined if not ast.get_docstring(node)] == []


def test_names_say_what_a_thing_is():
    assert [str(path) for path in SOURCES if not FORBIDDEN.isdisjoint(path.with_suffix("").parts)] == []
